"""What a model of one framework computes, call by call, in a file that needs no framework to be read."""
