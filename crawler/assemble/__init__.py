"""Where everything is put together: the only room that names concrete classes and hands them to each other."""
