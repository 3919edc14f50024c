package main

// Go lets declarations come in any order, a cell runs its statements as they come. So each function, type or constant of
// a cell is declared as soon as the variables that it needs, itself or through others, are there: most at the start.

// A stage is what is compiled together: declarations, or one definition of variables, or statements that follow one
// another.
type stage struct {
	units []*unit
	kind  pieceKind // declarationPiece, variablePiece (var and :=) or statementPiece
}

// stagesOf orders what a cell declares and runs. Import and package clauses are not among the units.
func stagesOf(units []unit) []stage {
	var declared, run []*unit
	for index := range units {
		each := &units[index]
		if each.kind == declarationPiece {
			declared = append(declared, each)
		} else if each.declare != nil || len(each.run) > 0 {
			run = append(run, each)
		}
	}
	run = variablesOrdered(run, declared)
	slots := slotsOf(declared, run)
	var stages []stage
	for at := 0; at <= len(run); at++ {
		var here []*unit
		for index, each := range declared {
			if slots[index] == at {
				here = append(here, each)
			}
		}
		if len(here) > 0 {
			stages = append(stages, stage{here, declarationPiece})
		}
		if at < len(run) {
			stages = appendRun(stages, run[at])
		}
	}
	return stages
}

func appendRun(stages []stage, next *unit) []stage {
	if next.declare != nil || next.define() != nil {
		return append(stages, stage{[]*unit{next}, variablePiece})
	}
	if last := len(stages) - 1; last >= 0 && stages[last].kind == statementPiece {
		stages[last].units = append(stages[last].units, next)
		return stages
	}
	return append(stages, stage{[]*unit{next}, statementPiece})
}

// slotsOf tells for each declaration before which of the run units it can stand.
func slotsOf(declared, run []*unit) []int {
	made := map[string]int{}
	for at, each := range run {
		for _, name := range each.defined() {
			if _, ok := made[name]; !ok {
				made[name] = at + 1
			}
		}
	}
	slots := make([]int, len(declared))
	used := make([]nameSet, len(declared))
	for index, each := range declared {
		used[index] = usedNames(each.declare)
		for name := range used[index] {
			slots[index] = max(slots[index], made[name])
		}
	}
	for changed := true; changed; {
		changed = false
		for index := range declared {
			for other, each := range declared {
				if slots[other] > slots[index] && usesAny(used[index], each.defined()) {
					slots[index] = slots[other]
					changed = true
				}
			}
		}
	}
	return slots
}

func usesAny(used nameSet, names []string) bool {
	for _, name := range names {
		if used[name] {
			return true
		}
	}
	return false
}

// variablesOrdered has `var` declarations that follow one another in the order in which they need one another.
func variablesOrdered(run, declared []*unit) []*unit {
	ordered := make([]*unit, 0, len(run))
	for start := 0; start < len(run); {
		end := start
		for end < len(run) && run[end].declare != nil {
			end++
		}
		if end == start {
			ordered = append(ordered, run[start])
			start++
			continue
		}
		ordered = append(ordered, byNeed(run[start:end], declared)...)
		start = end
	}
	return ordered
}

func byNeed(variables, declared []*unit) []*unit {
	var placed []*unit
	left := append([]*unit(nil), variables...)
	for len(left) > 0 {
		pick := 0
		for index, each := range left {
			if !needs(each, left, declared) {
				pick = index
				break
			}
		}
		placed = append(placed, left[pick])
		left = append(left[:pick:pick], left[pick+1:]...)
	}
	return placed
}

// needs tells whether a unit uses what another of the others defines, itself or through functions.
func needs(each *unit, others, declared []*unit) bool {
	used := usedNames(each.declare)
	for changed := true; changed; {
		changed = false
		for _, function := range declared {
			if usesAny(used, function.defined()) {
				for name := range usedNames(function.declare) {
					changed = changed || !used[name]
					used[name] = true
				}
			}
		}
	}
	for _, other := range others {
		if other != each && usesAny(used, other.defined()) {
			return true
		}
	}
	return false
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}
