// Nothing: the headers that the test programs share, parsed once, belong to what is made of it.
