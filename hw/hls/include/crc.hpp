// SPDX-License-Identifier: Apache-2.0
// CRC-32 of a frame (IEEE 802.3, as zlib's crc32).
//
//   r = 0xffffffff; for each bit d, lowest first: r = (r >> 1) ^ (0xedb88320 if r[0] ^ d else 0)
//   y = ~r after the frame's last bit
//
// in: BEATS beats of STREAM_WIDTH bits.   out: one beat of 32 bits a frame.   II = 1.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int STREAM_WIDTH, int BEATS>
void crc(hls::stream<ap_uint<STREAM_WIDTH>>& s_axis, hls::stream<ap_uint<32>>& m_axis) {
  ap_uint<32> sum = 0xffffffff;
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    const ap_uint<STREAM_WIDTH> x = s_axis.read();
    for (int bit = 0; bit < STREAM_WIDTH; bit++) {
#pragma HLS UNROLL
      const bool carry = sum[0] != x[bit];
      sum >>= 1;
      if (carry) sum ^= ap_uint<32>(0xedb88320);
    }
  }
  m_axis.write(~sum);
}

}  // namespace samfabric
