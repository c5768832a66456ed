/* Nothing of it is there: the simulated processor has no floating point. Files that include it for nothing compile. */
#ifndef ALLOCLAB_SDK_MATH_H
#define ALLOCLAB_SDK_MATH_H



#endif
