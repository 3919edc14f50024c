package main

// expressions evaluates the user's expressions of a request.
func (s *session) expressions(from *cell) map[string]interface{} {
	values := map[string]interface{}{}
	for name, text := range from.Expressions {
		text := text
		from.captured = &bundle{}
		s.unshown--
		why := s.supervise(func() *failure { return s.runCode(text, s.unshown) })
		if why != nil {
			values[name] = failed(why)
		} else {
			values[name] = map[string]interface{}{
				"status": "ok", "data": from.captured.data, "metadata": struct{}{},
			}
		}
	}
	from.captured = nil
	return values
}
