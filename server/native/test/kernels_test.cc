// Every set of kernels gives the bits of the definition: on random, extreme, denormal and mixed input, for every length
// from 1 to 4,096, at unaligned addresses.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "search/coding.h"
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

struct Codes {
  const char* name;
  /** From -127 to 127. */
  int (*draw)(std::mt19937_64&);
};

/** Random codes behind headers of random bytes. */
struct Records {
  Records(size_t code_bytes, const Codes& codes, std::mt19937_64& random) {
    for (size_t r = 0; r < kRows; ++r) {
      bytes[r].resize(kCodeHeaderBytes + code_bytes);
      for (uint8_t& byte : bytes[r]) byte = static_cast<uint8_t>(codes.draw(random) + 128);
      pointers[r] = bytes[r].data();
    }
  }

  uint8_t Code(size_t r, size_t i) const { return bytes[r][kCodeHeaderBytes + i]; }

  std::vector<uint8_t> bytes[kRows];
  const uint8_t* pointers[kRows];
};

std::vector<int8_t> RandomQuery(size_t codes, const Codes& input, std::mt19937_64& random) {
  std::vector<int8_t> query(codes);
  for (int8_t& code : query) code = static_cast<int8_t>(input.draw(random));
  return query;
}

void TestCodes(const std::vector<const Kernels*>& sets, const Codes& input) {
  std::mt19937_64 random(2);
  for (size_t bytes = kCodeAlign; bytes <= kLengthMax; bytes += kCodeAlign) {
    const auto query = RandomQuery(bytes, input, random);
    const Records records(bytes, input, random);
    int32_t sums[kRows] = {};
    int32_t pairs[kRows] = {};
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t i = 0; i < bytes; ++i) {
        sums[r] += records.Code(r, i) * query[i];
        pairs[r] += records.Code(0, i) * (records.Code(r, i) - 128);
      }
    }
    for (const Kernels* set : sets) {
      for (size_t count = 0; count <= kRows; ++count) {
        int32_t got[kRows];
        set->code_dots(query.data(), records.pointers, count, bytes, got);
        for (size_t r = 0; r < count; ++r) {
          CHECK(got[r] == sums[r], "%s code_dots %s n=%zu", set->name, input.name, bytes);
        }
      }
      for (size_t r = 0; r < kRows; ++r) {
        CHECK(set->code_pair(records.pointers[0], records.pointers[r], bytes) == pairs[r], "%s code_pair %s n=%zu",
              set->name, input.name, bytes);
      }
    }
  }
}

void TestBits(const std::vector<const Kernels*>& sets, const Codes& input, const Codes& record_input) {
  std::mt19937_64 random(4);
  for (size_t bytes = kCodeAlign; bytes <= kLengthMax / 8; bytes += kCodeAlign) {
    const auto query = RandomQuery(8 * bytes, input, random);
    const Records records(bytes, record_input, random);
    int32_t sums[kRows] = {};
    uint32_t differing[kRows] = {};
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t i = 0; i < 8 * bytes; ++i) {
        const size_t byte = i / 512 * 64 + i % 64;
        const auto bit = static_cast<uint8_t>(1 << (i % 512 / 64));
        if ((records.Code(r, byte) & bit) != 0) sums[r] += 2 * query[i];
        if (((records.Code(0, byte) ^ records.Code(r, byte)) & bit) != 0) differing[r] += 1;
      }
    }
    for (const Kernels* set : sets) {
      for (size_t r = 0; r < kRows; ++r) {
        CHECK(set->bit_pair(records.pointers[0], records.pointers[r], bytes) == differing[r], "%s bit_pair %s n=%zu",
              set->name, record_input.name, bytes);
      }
      for (size_t count = 0; count <= kRows; ++count) {
        int32_t got[kRows];
        set->bit_dots(query.data(), records.pointers, count, bytes, got);
        for (size_t r = 0; r < count; ++r) {
          CHECK(got[r] == sums[r], "%s bit_dots %s, %s n=%zu", set->name, input.name, record_input.name, bytes);
        }
      }
    }
  }
}

/** A vector and what its index keeps of it, in aligned memory. */
struct Coded {
  Coded(const grape::search::Coding& coding, const Input& input, std::mt19937_64& random)
      : vector(coding.dimension()), memory(coding.record_bytes() / 8 + 8) {
    for (float& value : vector) value = input.draw(random);
    CHECK(grape::search::IsFinite(vector.data(), vector.size()), "%s", input.name);
    coding.Encode(vector.data(), record());
  }

  grape::search::CodeRecord* record() {
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    return reinterpret_cast<grape::search::CodeRecord*>((address + 63) & ~uintptr_t{63});
  }

  std::vector<float> vector;
  std::vector<uint64_t> memory;
};

/** Codes of vectors of any length give the same sums on all sets, and finite distances, whatever is in the vectors. */
void TestDistances(const std::vector<const Kernels*>& sets, const Input& input) {
  using namespace grape::search;
  std::mt19937_64 random(5);
  for (size_t n = 1; n <= kLengthMax; ++n) {
    const auto metric = static_cast<Metric>(n % kMetrics);
    for (const CodeKind kind : {CodeKind::kInt8, CodeKind::kBit}) {
      const Coding coding(metric, n, kind, 1);
      Coded coded(coding, input, random);
      const Coded other(coding, input, random);
      CodeQuery query(coding);
      query.SetVector(other.vector.data());
      const uint8_t* const bytes = coded.record()->bytes();
      int32_t sum;
      query.Sums(&bytes, 1, &sum);
      CHECK(std::isfinite(query.Distance(*coded.record(), sum)), "%s n=%zu", input.name, n);
      for (const Kernels* set : sets) {
        int32_t its_sum;
        const auto dots = kind == CodeKind::kBit ? set->bit_dots : set->code_dots;
        dots(query.codes(), &bytes, 1, coding.code_bytes(), &its_sum);
        CHECK(its_sum == sum, "%s %s n=%zu", set->name, input.name, n);
      }
    }
  }
}

/** int8 codes stand for numbers near those that were encoded, whatever their size. */
void TestBytes(const Input& input) {
  using namespace grape::search;
  std::mt19937_64 random(3);
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kEuclidean}) {
    for (const size_t n : {1, 2, 63, 64, 65, 384, 4096}) {
      const Coding coding(metric, n, CodeKind::kInt8, 0);
      Coded coded(coding, input, random);
      const CodeRecord& record = *coded.record();
      int32_t sum = 0;
      for (size_t i = 0; i < coding.code_bytes(); ++i) sum += record.codes()[i] - 128;
      CHECK(sum == record.sum, "%s n=%zu", input.name, n);
      if (metric == Metric::kDot) {
        for (size_t i = 0; i < n; ++i) {
          const double stands_for = static_cast<double>(record.scale) * (record.codes()[i] - 128);
          // Half a step, and the rounding of the step itself where it is denormal.
          const double tolerance = record.scale * 0.51 + 127 * 1e-45;
          CHECK(std::abs(stands_for - coded.vector[i]) <= tolerance, "%s n=%zu i=%zu", input.name, n, i);
        }
      }
      CodeQuery query(coding);
      query.SetRecord(record);
      const uint8_t* const bytes = record.bytes();
      int32_t dots;
      query.Sums(&bytes, 1, &dots);
      const int32_t pair = BestKernels().code_pair(bytes, bytes, coding.code_bytes());
      CHECK(query.Distance(record, dots) == CodeQuery::Distance(metric, record, record, pair), "%s n=%zu", input.name,
            n);
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
    TestDistances(sets, input);
    TestBytes(input);
  }
  const Codes codes[] = {
      {"random", [](std::mt19937_64& random) { return static_cast<int>(random() % 255) - 127; }},
      {"largest", [](std::mt19937_64&) { return 127; }},
      {"smallest", [](std::mt19937_64&) { return -127; }},
      {"both ends", [](std::mt19937_64& random) { return random() % 2 == 0 ? 127 : -127; }},
  };
  for (const Codes& input : codes) {
    TestCodes(sets, input);
    for (const Codes& records : codes) TestBits(sets, input, records);
  }
  for (const Kernels* set : sets) std::printf("kernels_test: %s ok\n", set->name);
  return 0;
}
