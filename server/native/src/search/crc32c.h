#pragma once

#include <cstddef>
#include <cstdint>

namespace grape::search {

/** CRC-32C (Castagnoli) of bytes that follow those of `crc`; 0 to begin. */
uint32_t Crc32c(uint32_t crc, const void* data, size_t size);

}  // namespace grape::search
