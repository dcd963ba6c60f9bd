// Every set of kernels gives the bits of the definition: on random, extreme, denormal and mixed input, for every length
// from 1 to 4,096, at unaligned addresses.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "search/codes.h"
#include "search/kernels.h"

namespace {

using grape::search::kCodeAlign;
using grape::search::kCodeHeaderBytes;
using grape::search::Kernels;

constexpr size_t kLengthMax = 4'096;
constexpr size_t kRows = 7;

/** The definition, element by element. */
float Reference(const float* a, const float* b, size_t n, bool squared) {
  float lanes[16] = {};
  for (size_t i = 0; i < n; ++i) {
    volatile float difference = a[i] - b[i];
    const float x = squared ? difference : a[i];
    const float y = squared ? difference : b[i];
    lanes[i % 16] = std::fma(x, y, lanes[i % 16]);
  }
  for (const int width : {8, 4, 2, 1}) {
    for (int j = 0; j < width; ++j) lanes[j] = lanes[j] + lanes[j + width];
  }
  return lanes[0];
}

bool SameBits(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

struct Input {
  const char* name;
  float (*draw)(std::mt19937_64&);
};

float Uniform(std::mt19937_64& random) {
  return static_cast<float>(static_cast<double>(random() >> 11) / 9007199254740992.0 * 2 - 1);
}

float AnyFinite(std::mt19937_64& random) {
  for (;;) {
    const auto bits = static_cast<uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isfinite(value)) return value;
  }
}

float Denormal(std::mt19937_64& random) {
  const auto bits = static_cast<uint32_t>(random() & 0x807fffff);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/** Products underflow to zeros of both signs. */
float Tiny(std::mt19937_64& random) { return Uniform(random) * 1e-30f; }

float Extreme(std::mt19937_64& random) {
  constexpr float kValues[] = {0.0f, -0.0f, 3.4028235e38f, -3.4028235e38f, 1e-45f, -1e-45f, 1.0f, -1.0f, 1e19f, 1e-38f};
  return kValues[random() % 10];
}

void TestFloats(const std::vector<const Kernels*>& sets, const Input& input) {
  std::mt19937_64 random(1);
  // One more than needed, to begin at an address that no vector register is aligned to.
  std::vector<float> query(kLengthMax + 1);
  std::vector<std::vector<float>> rows(kRows, std::vector<float>(kLengthMax + 1));
  for (float& value : query) value = input.draw(random);
  for (auto& row : rows) {
    for (float& value : row) value = input.draw(random);
  }
  const float* pointers[kRows];
  for (size_t r = 0; r < kRows; ++r) pointers[r] = rows[r].data() + 1;
  const float* const q = query.data() + 1;
  for (size_t n = 1; n <= kLengthMax; ++n) {
    const size_t count = n % kRows + 1;
    const float dot = Reference(q, pointers[0], n, false);
    const float squared = Reference(q, pointers[0], n, true);
    // The sums of several rows at the same time are compared with those of one row, which is compared with this.
    for (const Kernels* set : sets) {
      float sums[kRows];
      CHECK(SameBits(set->dot(q, pointers[0], n), dot), "%s dot %s n=%zu", set->name, input.name, n);
      CHECK(SameBits(set->squared(q, pointers[0], n), squared), "%s squared %s n=%zu", set->name, input.name, n);
      set->dot_rows(q, pointers, count, n, sums);
      for (size_t r = 0; r < count; ++r) {
        CHECK(SameBits(sums[r], set->dot(q, pointers[r], n)), "%s dot_rows %s n=%zu", set->name, input.name, n);
      }
      set->squared_rows(q, pointers, count, n, sums);
      for (size_t r = 0; r < count; ++r) {
        CHECK(SameBits(sums[r], set->squared(q, pointers[r], n)), "%s squared_rows %s n=%zu", set->name, input.name, n);
      }
    }
  }
}

/** `draw(random)` gives codes from -127 to 127. */
void TestCodes(const std::vector<const Kernels*>& sets, const char* name, int (*draw)(std::mt19937_64&)) {
  std::mt19937_64 random(2);
  for (size_t padded = kCodeAlign; padded <= kLengthMax; padded += kCodeAlign) {
    std::vector<int8_t> query(padded);
    for (int8_t& code : query) code = static_cast<int8_t>(draw(random));
    std::vector<std::vector<uint8_t>> records(kRows, std::vector<uint8_t>(kCodeHeaderBytes + padded));
    const uint8_t* pointers[kRows];
    for (size_t r = 0; r < kRows; ++r) {
      for (uint8_t& byte : records[r]) byte = static_cast<uint8_t>(draw(random) + 128);
      pointers[r] = records[r].data();
    }
    int32_t sums[kRows];
    int32_t pairs[kRows];
    for (size_t r = 0; r < kRows; ++r) {
      sums[r] = pairs[r] = 0;
      for (size_t i = 0; i < padded; ++i) {
        sums[r] += records[r][kCodeHeaderBytes + i] * query[i];
        pairs[r] += records[0][kCodeHeaderBytes + i] * (records[r][kCodeHeaderBytes + i] - 128);
      }
    }
    for (const Kernels* set : sets) {
      for (size_t count = 0; count <= kRows; ++count) {
        int32_t got[kRows];
        set->code_dots(query.data(), pointers, count, padded, got);
        for (size_t r = 0; r < count; ++r) CHECK(got[r] == sums[r], "%s code_dots %s n=%zu", set->name, name, padded);
      }
      for (size_t r = 0; r < kRows; ++r) {
        CHECK(set->code_pair(pointers[0], pointers[r], padded) == pairs[r], "%s code_pair %s n=%zu", set->name, name,
              padded);
      }
    }
  }
}

/** Codes stand for numbers near those that were encoded, whatever their size, and distances are finite. */
void TestEncoding(const Input& input) {
  using namespace grape::search;
  std::mt19937_64 random(3);
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kEuclidean}) {
    for (const size_t n : {1, 2, 63, 64, 65, 384, 4096}) {
      std::vector<float> vector(n);
      for (float& value : vector) value = input.draw(random);
      std::vector<uint64_t> memory(CodeRecordBytes(n) / 8 + 8);
      auto* const record = reinterpret_cast<CodeRecord*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) & ~uintptr_t{63});
      CHECK(IsFinite(vector.data(), n), "%s", input.name);
      Encode(metric, vector.data(), n, record);
      int32_t sum = 0;
      for (size_t i = 0; i < PaddedDimension(n); ++i) sum += record->codes()[i] - 128;
      CHECK(sum == record->sum, "%s n=%zu", input.name, n);
      if (metric == Metric::kDot) {
        for (size_t i = 0; i < n; ++i) {
          const double stands_for = static_cast<double>(record->scale) * (record->codes()[i] - 128);
          // Half a step, and the rounding of the step itself where it is denormal.
          const double tolerance = record->scale * 0.51 + 127 * 1e-45;
          CHECK(std::abs(stands_for - vector[i]) <= tolerance, "%s n=%zu i=%zu", input.name, n, i);
        }
      }
      CodeQuery query(metric, n);
      query.SetVector(vector.data());
      const auto* const bytes = reinterpret_cast<const uint8_t*>(record);
      int32_t dots;
      BestKernels().code_dots(query.codes(), &bytes, 1, query.padded(), &dots);
      const float distance = query.Distance(*record, dots);
      query.SetRecord(*record);
      BestKernels().code_dots(query.codes(), &bytes, 1, query.padded(), &dots);
      const int32_t pair = BestKernels().code_pair(bytes, bytes, query.padded());
      CHECK(std::isfinite(distance), "%s n=%zu", input.name, n);
      CHECK(query.Distance(*record, dots) == CodeQuery::Distance(metric, *record, *record, pair), "%s n=%zu",
            input.name, n);
    }
  }
}

}  // namespace

int main() {
  const auto sets = grape::search::UsableKernels();
  const Input inputs[] = {{"uniform", Uniform}, {"any finite", AnyFinite}, {"denormal", Denormal}, {"tiny", Tiny},
                          {"extreme", Extreme}};
  for (const Input& input : inputs) {
    TestFloats(sets, input);
    TestEncoding(input);
  }
  TestCodes(sets, "random", [](std::mt19937_64& random) { return static_cast<int>(random() % 255) - 127; });
  TestCodes(sets, "largest", [](std::mt19937_64&) { return 127; });
  TestCodes(sets, "smallest", [](std::mt19937_64&) { return -127; });
  TestCodes(sets, "both ends", [](std::mt19937_64& random) { return random() % 2 == 0 ? 127 : -127; });
  for (const Kernels* set : sets) std::printf("kernels_test: %s ok\n", set->name);
  return 0;
}
