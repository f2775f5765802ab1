// C3: and no t_open() to link with.
int t_open(const char *, int, void *);
int main(void) { return t_open("/dev/tcp", 0, 0); }
