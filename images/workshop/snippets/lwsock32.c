// C36: linked with -lwsock32, a library that Linux has not; without it, it links.
int main(void) { return 0; }
