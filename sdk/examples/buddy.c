/* A binary buddy system in a static array, in the interface of FreeRTOS. A byte for each smallest block holds the order of the block
 * that begins there, and whether it is free. */
#include <FreeRTOS.h>
#include <task.h>

#define ARENA (8u << 20)
#define SMALLEST 4 /* the order of the smallest block: 16 bytes */
#define LARGEST 23
#define FREE 0x80

static uint8_t arena[ARENA] __attribute__((aligned(16)));
static uint8_t orders[ARENA >> SMALLEST];
static struct node {
  struct node *next, *before;
} *lists[LARGEST + 1];
static int made;

static uint8_t *order_at(void *block) { return &orders[((uint8_t *)block - arena) >> SMALLEST]; }
static void add(void *block, unsigned order) {
  struct node *const node = block;
  *order_at(block) = order | FREE;
  node->before = NULL;
  node->next = lists[order];
  if (node->next != NULL) node->next->before = node;
  lists[order] = node;
}
static void take(struct node *node, unsigned order) {
  if (node->before != NULL) node->before->next = node->next;
  else lists[order] = node->next;
  if (node->next != NULL) node->next->before = node->before;
}

void *pvPortMalloc(size_t bytes) {
  unsigned order = SMALLEST, found;
  struct node *block;
  vTaskSuspendAll();
  if (!made) add(arena, LARGEST);
  made = 1;
  while (order < LARGEST && (1u << order) < bytes) ++order;
  for (found = order; found <= LARGEST && lists[found] == NULL; ++found) {
  }
  if (bytes == 0 || bytes > ARENA || found > LARGEST) {
    xTaskResumeAll();
    return NULL;
  }
  block = lists[found];
  take(block, found);
  while (found > order) {
    --found;
    add((uint8_t *)block + (1u << found), found);
  }
  *order_at(block) = order;
  xTaskResumeAll();
  return block;
}

void vPortFree(void *block) {
  unsigned order;
  if (block == NULL) return;
  order = *order_at(block);
  configASSERT(!(order & FREE));
  while (order < LARGEST) {
    uint8_t *const buddy = arena + (((uint8_t *)block - arena) ^ (1u << order));
    if (*order_at(buddy) != (order | FREE)) break;
    take((struct node *)buddy, order);
    *order_at(buddy) = 0;
    if (buddy < (uint8_t *)block) block = buddy;
    ++order;
  }
  add(block, order);
}
