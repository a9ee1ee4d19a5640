#include "fivefold/base/units.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace fivefold {
namespace {

// What must not compile, stated so that the compiler checks it.
template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
template <class A, class B>
concept Assignable = requires(A a, B b) {
  a = b;
};
template <class A, class B>
concept AddableInPlace = requires(A a, B b) {
  a += b;
};

static_assert(Addable<Seconds, Seconds>);
static_assert(!Addable<Seconds, Bytes>);
static_assert(!Addable<BytesPerSecond, Bytes>);
static_assert(!Addable<Seconds, double>);
static_assert(!AddableInPlace<Watts, Joules>);
static_assert(!Comparable<Ops, OpsPerSecond>);
static_assert(Comparable<Usd, Usd>);
static_assert(!Assignable<Seconds&, double>);
static_assert(!Assignable<Seconds&, Hertz>);
static_assert(!std::is_convertible_v<double, Bytes>);
static_assert(!std::is_convertible_v<Bytes, double>);

static_assert(std::is_same_v<decltype(Bytes(1) / Seconds(1)), BytesPerSecond>);
static_assert(std::is_same_v<decltype(Ops(1) / OpsPerSecond(1)), Seconds>);
static_assert(std::is_same_v<decltype(Watts(1) * Seconds(1)), Joules>);
static_assert(std::is_same_v<decltype(Joules(1) * UsdPerJoule(1)), Usd>);
static_assert(std::is_same_v<decltype(Bytes(1) / Bytes(1)), double>);
static_assert(std::is_same_v<decltype(Seconds(1) * Hertz(1)), double>);
static_assert(std::is_same_v<decltype(1.0 / Seconds(1)), Hertz>);

TEST(Units, reading_80_gigabytes_at_3_35_terabytes_a_second_takes_23_9_milliseconds) {
  const Seconds time = Bytes(80e9) / BytesPerSecond(3.35e12);
  EXPECT_NEAR(time.value(), 0.02388, 1e-5);
}

TEST(Units, a_kilowatt_for_an_hour_costs_the_price_of_a_kilowatt_hour) {
  const UsdPerJoule price(0.09 / 3.6e6);
  EXPECT_NEAR((Watts(1000) * Seconds(3600) * price).value(), 0.09, 1e-12);
}

}  // namespace
}  // namespace fivefold
