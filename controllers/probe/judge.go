// SPDX-License-Identifier: Apache-2.0

package probe

// judge turns the outcomes of one Spec's attempts into a verdict, by the table in the package documentation.
type judge struct {
	expect    Expectation
	threshold int

	verdict    Verdict
	unanswered int // attempts since the last reply, except those that could not send
	unasked    int // attempts in a row that could not send
	local      int // attempts in a row whose request was delivered locally
	// contested says that the verdict became Unknown because the neighbour table was full; replies counts those in a
	// row since then.
	contested bool
	replies   int
}

func newJudge(s Spec) judge {
	s = s.withDefaults()
	return judge{expect: s.Expect, threshold: s.FailureThreshold}
}

func (j *judge) weigh(o Outcome) Verdict {
	if o == DeliveredLocally {
		return j.weighLocal()
	}
	j.local = 0
	switch {
	case o == Reply:
		j.unasked, j.unanswered = 0, 0
		j.weighReply()
	case o.Conclusive():
		j.unasked, j.replies = 0, 0
		j.unanswered++
		if j.unanswered >= j.threshold {
			j.contested = false
			j.verdict = j.proven(Unreachable)
		}
	default:
		j.unasked++
		j.replies = 0
		if j.unasked >= j.threshold {
			j.unanswered = 0
			j.contested = j.contested || o == NoBuffer
			j.verdict = Unknown
		}
	}
	return j.verdict
}

// weighReply takes one reply for a proof, unless the probe has lost its place in the neighbour table before: where more
// nodes talk than the table holds, it may lose it again at once, and each change of a verdict is a write.
func (j *judge) weighReply() {
	if j.replies++; j.contested && j.replies < j.threshold {
		return
	}
	j.contested = false
	j.verdict = j.proven(Reachable)
}

// weighLocal: a sender that answers itself proves neither expectation.
func (j *judge) weighLocal() Verdict {
	j.unasked, j.unanswered = 0, 0
	j.local++
	if j.local >= j.threshold {
		j.verdict = Fail
	}
	return j.verdict
}

// settled reports whether the next attempt can wait: there is a verdict, or sending is impossible or was until now.
func (j *judge) settled() bool {
	return j.verdict != Unknown || j.unasked >= j.threshold || j.contested
}

// reaches reports whether the verdict is that the destination is reachable, as expected.
func (j *judge) reaches() bool { return j.verdict == Pass && j.expect == Reachable }

// doubtful reports whether an attempt has contradicted the verdict, and not enough of them to change it.
func (j *judge) doubtful() bool {
	return j.verdict == j.proven(Reachable) && j.unasked == 0 && j.unanswered > 0 && j.unanswered < j.threshold ||
		j.local > 0 && j.local < j.threshold && j.verdict != Unknown
}

// missing is the number of attempts without a reply, or delivered locally, that would change the verdict, or
// confirm it.
func (j *judge) missing() int {
	return max(1, j.threshold-max(j.unanswered, j.local))
}

func (j *judge) proven(truth Expectation) Verdict {
	if truth == j.expect {
		return Pass
	}
	return Fail
}
