#!/usr/bin/env bash
# Draws every sample: gallery.sh PROGRAM FOLDER. The page index.html shows all pictures, in light or dark as the browser.
set -euo pipefail
program=$1 folder=$2
mkdir -p "$folder"
page=$folder/index.html
cat >"$page" <<'HEAD'
<!doctype html>
<meta charset="utf-8">
<title>NetLab samples</title>
<style>
:root{color-scheme:light dark}
body{font-family:sans-serif;margin:2em}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(36em,1fr));gap:2em}
figure{margin:0}
img{width:100%}
</style>
<h1>NetLab samples</h1>
<main>
HEAD
for file in config/samples/*.yaml; do
  name=$(basename "$file" .yaml)
  [ "$name" != kustomization ] || continue
  "$program" graph -f "$file" -w "$folder/$name.svg"
  echo "<figure><a href=\"$name.svg\"><img src=\"$name.svg\" alt=\"the lab $name\"></a><figcaption>$name</figcaption></figure>" >>"$page"
done
echo "</main>" >>"$page"
echo "$page"
