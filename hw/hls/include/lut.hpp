// SPDX-License-Identifier: Apache-2.0
// Table look-up: any function of one code.
//
//   y = table[bits of x]
//
// in and out: BEATS beats of PE codes. II = 1.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int IN_WIDTH, int OUT_WIDTH, int PE, int BEATS>
void lut(Stream<PE, IN_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
         const Constant<OUT_WIDTH, false> table[1 << IN_WIDTH]) {
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    const Beat<PE, IN_WIDTH> x = s_axis.read();
    Beat<PE, OUT_WIDTH> y = 0;
    for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
      put_lane<OUT_WIDTH>(y, p, table[int(lane<IN_WIDTH, false>(x, p))]);
    }
    m_axis.write(y);
  }
}

}  // namespace samfabric
