// Quantities whose unit is part of the type, so that a bandwidth is never added to a time.
//
// A value is held in the coherent unit of its dimension: bytes, operations (a multiply-add is two),
// seconds, joules, US dollars. Decimal prefixes throughout: GB = 1e9 bytes. Bandwidth is per direction.
#pragma once

#include <compare>

namespace fivefold {

struct Dim {
  int byte = 0;
  int op = 0;
  int second = 0;
  int joule = 0;
  int usd = 0;
  bool operator==(const Dim&) const = default;
};

constexpr Dim operator+(Dim a, Dim b) {
  return {a.byte + b.byte, a.op + b.op, a.second + b.second, a.joule + b.joule, a.usd + b.usd};
}
constexpr Dim operator-(Dim a, Dim b) {
  return {a.byte - b.byte, a.op - b.op, a.second - b.second, a.joule - b.joule, a.usd - b.usd};
}

template <Dim D>
class Quantity {
 public:
  static constexpr Dim kDim = D;
  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_(value) {}
  constexpr double value() const { return value_; }

  constexpr Quantity& operator+=(Quantity other) { value_ += other.value_; return *this; }
  constexpr Quantity& operator-=(Quantity other) { value_ -= other.value_; return *this; }
  constexpr Quantity& operator*=(double factor) { value_ *= factor; return *this; }
  constexpr Quantity& operator/=(double divisor) { value_ /= divisor; return *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, double b) { return Quantity(a.value_ * b); }
  friend constexpr Quantity operator*(double a, Quantity b) { return Quantity(a * b.value_); }
  friend constexpr Quantity operator/(Quantity a, double b) { return Quantity(a.value_ / b); }
  friend constexpr auto operator<=>(Quantity a, Quantity b) = default;

 private:
  double value_ = 0;
};

// A product or quotient without dimension is a plain number.
template <Dim A, Dim B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  if constexpr (A + B == Dim{}) {
    return a.value() * b.value();
  } else {
    return Quantity<A + B>(a.value() * b.value());
  }
}
template <Dim A, Dim B>
constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  if constexpr (A == B) {
    return a.value() / b.value();
  } else {
    return Quantity<A - B>(a.value() / b.value());
  }
}
template <Dim D>
constexpr auto operator/(double a, Quantity<D> b) {
  return Quantity<Dim{} - D>(a / b.value());
}

using Bytes = Quantity<Dim{.byte = 1}>;
using Ops = Quantity<Dim{.op = 1}>;
using Seconds = Quantity<Dim{.second = 1}>;
using Joules = Quantity<Dim{.joule = 1}>;
using Usd = Quantity<Dim{.usd = 1}>;
using Hertz = Quantity<Dim{.second = -1}>;
using BytesPerSecond = Quantity<Dim{.byte = 1, .second = -1}>;
using OpsPerSecond = Quantity<Dim{.op = 1, .second = -1}>;
using Watts = Quantity<Dim{.second = -1, .joule = 1}>;
using UsdPerJoule = Quantity<Dim{.joule = -1, .usd = 1}>;

}  // namespace fivefold
