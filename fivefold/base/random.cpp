#include "fivefold/base/random.h"

#include <cmath>
#include <numbers>

namespace fivefold {
namespace {

constexpr std::uint64_t kMultiplier = 6364136223846793005ULL;

// SplitMix64's finalizer (Steele, Lea, Flood, OOPSLA 2014, figure 16): spreads near seeds apart.
std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// FNV-1a, 64 bits.
std::uint64_t hashed(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// Coefficients of P. J. Acklam's "An algorithm for computing the inverse normal cumulative
// distribution function" (2003).
double acklam(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  constexpr double kTail = 0.02425;
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  if (p < kTail) return tail(std::sqrt(-2 * std::log(p)));
  if (p > 1 - kTail) return -tail(std::sqrt(-2 * std::log1p(-p)));
  const double q = p - 0.5;
  const double r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

}  // namespace

Random Random::reference(std::uint64_t state, std::uint64_t sequence) {
  Random random;
  random.increment_ = (sequence << 1) | 1;
  random.next();
  random.state_ += state;
  random.next();
  return random;
}

Random::Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index)
    : Random(reference(mixed(mixed(seed) + index), mixed(hashed(purpose) + index))) {}

std::uint32_t Random::next() {
  const std::uint64_t old = state_;
  state_ = old * kMultiplier + increment_;
  const auto shifted = static_cast<std::uint32_t>(((old >> 18) ^ old) >> 27);
  const auto turn = static_cast<std::uint32_t>(old >> 59);
  return (shifted >> turn) | (shifted << ((32 - turn) & 31));
}

double Random::uniform() {
  // 53 bits, in the middle of their interval: neither 0 nor 1.
  const std::uint64_t high = next() >> 5;
  const std::uint64_t low = next() >> 6;
  return (static_cast<double>(high * 67108864 + low) + 0.5) / 9007199254740992.0;
}

std::uint32_t Random::below(std::uint32_t bound) {
  const std::uint32_t threshold = (0u - bound) % bound;
  while (true) {
    const std::uint32_t value = next();
    if (value >= threshold) return value % bound;
  }
}

double Random::normal() {
  return normal_quantile(uniform());
}

double Random::lognormal(double median, double sigma) {
  return median * std::exp(sigma * normal());
}

double Random::exponential(double mean) {
  return -mean * std::log(uniform());
}

double normal_quantile(double p) {
  const double x = acklam(p);
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double u = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - u / (1 + x * u / 2);
}

}  // namespace fivefold
