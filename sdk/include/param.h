/* For page allocators in the style of xv6, which include this and use nothing of it. */
