package main

func serveSpares()   {}
func launchSpare()   {}
func becomeSession() {}
