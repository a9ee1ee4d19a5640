// A vector with its room inside itself: what an estimate builds lives on the stack, since the planner
// asks for a hundred thousand of them a second.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace fivefold {

template <class T, std::size_t Capacity>
class InlineVector {
 public:
  constexpr InlineVector() = default;
  constexpr void push_back(T item) {
    assert(size_ < Capacity);
    items_[size_++] = std::move(item);
  }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr void clear() { size_ = 0; }
  constexpr T& operator[](std::size_t i) { assert(i < size_); return items_[i]; }
  constexpr const T& operator[](std::size_t i) const { assert(i < size_); return items_[i]; }
  constexpr T& back() { return items_[size_ - 1]; }
  constexpr const T& back() const { return items_[size_ - 1]; }
  constexpr T* begin() { return items_.data(); }
  constexpr T* end() { return items_.data() + size_; }
  constexpr const T* begin() const { return items_.data(); }
  constexpr const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, Capacity> items_{};
  std::size_t size_ = 0;
};

}  // namespace fivefold
