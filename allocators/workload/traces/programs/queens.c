#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int place(int n, int row, int* columns) {
  int found = 0;
  if (row == n) return 1;
  for (int c = 0; c < n; ++c) {
    int free = 1;
    for (int r = 0; r < row && free; ++r) free = columns[r] != c && abs(columns[r] - c) != row - r;
    if (!free) continue;
    columns[row] = c;
    found += place(n, row + 1, columns);
  }
  return found;
}
int main(void) {
  for (int n = 1; n <= 8; ++n) {
    int* columns = calloc((size_t)n, sizeof *columns);
    printf("%d queens: %d\n", n, place(n, 0, columns));
    free(columns);
  }
}
