"""The engine as a viewer and a host see it: real streams, judged by libraries that share no code with the engine."""
