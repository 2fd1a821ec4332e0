/*
 * Preloaded into the daemon (LD_PRELOAD): has one call of one function fail, as the page says that the tests
 * share with it, and counts calls and memory meanwhile. SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* In the order of faults.py. */
enum function {
  NONE,
  ACCEPT4,
  READ,
  EPOLL_CTL,
  MMAP,
  MALLOC,
  MEMFD_CREATE,
  SENDMSG,
  RECV,
  RECVMSG,
  SEND,
  SENDFILE,
  WRITE,
  OPEN,
  FTRUNCATE,
  SOCKETPAIR,
  SETSOCKOPT,
  TIMERFD_SETTIME,
};

/* Shared with faults.py, which writes all but the last three. */
struct page {
  _Atomic int32_t pid; /* whose calls count; 0: those of every process */
  _Atomic int32_t function;
  _Atomic int32_t error; /* what errno says then */
  _Atomic int32_t nth;   /* which call fails; 0: none */
  _Atomic int32_t count; /* of calls so far */
  _Atomic int32_t failed;
  _Atomic int64_t live; /* pieces of memory, more or less than when `pid` was set */
};

static struct page* page;

/* libtasn1 uses memory that it did not get, so none of its own allocations fails: what is to be found here is
 * what the daemon does. */
static uintptr_t frail_begin, frail_end;

static int find_frail(struct dl_phdr_info* object, size_t size, void* context) {
  (void)size;
  (void)context;
  if (strstr(object->dlpi_name, "libtasn1") == NULL) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i)
    if (object->dlpi_phdr[i].p_type == PT_LOAD && (object->dlpi_phdr[i].p_flags & PF_X) != 0) {
      frail_begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
      frail_end = frail_begin + object->dlpi_phdr[i].p_memsz;
    }
  return 1;
}

__attribute__((constructor)) static void open_page(void) {
  dl_iterate_phdr(find_frail, NULL);
  const char* const path = getenv("HTTPD_FAULTS");
  const int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  /* The last of them as wide as the kernel reads it: of an int the other half is what the stack holds. */
  void* const mapped =
      (void*)syscall(SYS_mmap, NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)0);
  syscall(SYS_close, fd);
  if (mapped != MAP_FAILED) page = mapped;
}

static int counts_here(void) {
  return page != NULL && (page->pid == 0 || page->pid == getpid());
}

/* Whether this call is to fail; errno is set then. */
static int fails(enum function function) {
  if (page == NULL || page->function != (int32_t)function || !counts_here()) return 0;
  if (atomic_fetch_add(&page->count, 1) + 1 != page->nth) return 0;
  page->failed = 1;
  errno = page->error;
  return 1;
}

int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  return fails(ACCEPT4) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}
ssize_t read(int fd, void* buffer, size_t size) {
  return fails(READ) ? -1 : syscall(SYS_read, fd, buffer, size);
}
ssize_t write(int fd, const void* buffer, size_t size) {
  return fails(WRITE) ? -1 : syscall(SYS_write, fd, buffer, size);
}
int epoll_ctl(int set, int operation, int fd, struct epoll_event* event) {
  return fails(EPOLL_CTL) ? -1 : (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
}
void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  return fails(MMAP) ? MAP_FAILED : (void*)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}
int memfd_create(const char* name, unsigned flags) {
  return fails(MEMFD_CREATE) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  return fails(SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}
ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  return fails(RECVMSG) ? -1 : syscall(SYS_recvmsg, fd, message, flags);
}
ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  return fails(SEND) ? -1 : syscall(SYS_sendto, fd, buffer, size, flags, NULL, 0);
}
ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return fails(RECV) ? -1 : syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}
/* What the compiler calls in place of recv() where it knows how large the buffer is. */
ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags) {
  if (size > room) abort();
  return recv(fd, buffer, size, flags);
}
ssize_t sendfile(int to, int from, off_t* offset, size_t count) {
  return fails(SENDFILE) ? -1 : syscall(SYS_sendfile, to, from, offset, count);
}
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int ftruncate(int fd, off_t size) {
  return fails(FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}
int socketpair(int domain, int type, int protocol, int pair[2]) {
  return fails(SOCKETPAIR) ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, pair);
}
int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  return fails(SETSOCKOPT) ? -1 : (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
int timerfd_settime(int fd, int flags, const struct itimerspec* to, struct itimerspec* from) {
  return fails(TIMERFD_SETTIME) ? -1 : (int)syscall(SYS_timerfd_settime, fd, flags, to, from);
}

/* The names under which the C library's own functions can be reached before it can look any up. */
extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* memory, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void* memory);

static void* counted(void* memory) {
  if (memory != NULL && counts_here()) atomic_fetch_add(&page->live, 1);
  return memory;
}

static int memory_fails(const void* caller) {
  return ((uintptr_t)caller < frail_begin || (uintptr_t)caller >= frail_end) && fails(MALLOC);
}

/* A macro, since it asks for its user's caller. */
#define MEMORY_FAILS memory_fails(__builtin_return_address(0))

void* malloc(size_t size) {
  return MEMORY_FAILS ? NULL : counted(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) {
  return MEMORY_FAILS ? NULL : counted(__libc_calloc(count, size));
}
void* realloc(void* memory, size_t size) {
  if (MEMORY_FAILS) return NULL;
  return memory == NULL ? counted(__libc_malloc(size)) : __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return MEMORY_FAILS ? NULL : counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  if (MEMORY_FAILS) return ENOMEM;
  *memory = counted(__libc_memalign(alignment, size));
  return *memory == NULL ? ENOMEM : 0;
}
void free(void* memory) {
  if (memory != NULL && counts_here()) atomic_fetch_sub(&page->live, 1);
  __libc_free(memory);
}
