// A library without a malloc, for tests.
extern "C" int alloclab_innocent();
int alloclab_innocent() { return 0; }
