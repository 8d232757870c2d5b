-- The health of a NetLab in Argo CD: the condition Ready, and whether it can still become True without a change.
local health = { status = "Progressing", message = "waiting for the controller" }

local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function is(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

local ready = conditions.Ready
if ready == nil then
  return health
end
health.message = ready.reason .. ": " .. ready.message

if is("Ready") then
  health.status = "Healthy"
elseif ready.reason == "Suspended" then
  health.status = "Suspended"
elseif is("Reconciling") then
  health.status = "Progressing"
elseif is("Stalled") or is("Drifted") then
  health.status = "Degraded"
end
return health
