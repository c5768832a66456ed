// A descriptor of this process, closed by the destructor.
#ifndef ALLOCLAB_SERVER_HTTP_DESCRIPTOR_H_
#define ALLOCLAB_SERVER_HTTP_DESCRIPTOR_H_

namespace alloclab::server {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Reset(other.Release());
    return *this;
  }

  int get() const { return fd_; }
  int Release();
  void Reset(int fd = -1);

 private:
  int fd_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_DESCRIPTOR_H_
