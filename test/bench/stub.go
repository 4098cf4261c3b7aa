package main

import "context"

func (o *options) latency(context.Context, *rig, []*system, *report) error    { return nil }
func (o *options) handshakes(context.Context, *rig, []*system, *report) error { return nil }
func (o *options) idle(context.Context, *rig, []*system, *report) error       { return nil }
