// SPDX-License-Identifier: Apache-2.0
// Residual join, as FINN's AddStreams with a change of scale.
//
//   y = clip((a * MA + b * MB + BIAS) >> SHIFT)
//
// in: two streams of BEATS beats of PE codes, out: likewise. II = 1.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int PE, int IN_WIDTH_A, bool IN_SIGNED_A, int IN_WIDTH_B, bool IN_SIGNED_B, int OUT_WIDTH,
          bool OUT_SIGNED, int MA, int MB, int BIAS, int SHIFT, int BEATS>
void join_add(Stream<PE, IN_WIDTH_A>& s_axis_a, Stream<PE, IN_WIDTH_B>& s_axis_b,
              Stream<PE, OUT_WIDTH>& m_axis) {
  constexpr int TOTAL = larger(larger(IN_WIDTH_A, IN_WIDTH_B) + 17, 31) + 3;
beats:
  for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
    const Beat<PE, IN_WIDTH_A> a = s_axis_a.read();
    const Beat<PE, IN_WIDTH_B> b = s_axis_b.read();
    Beat<PE, OUT_WIDTH> y = 0;
    for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
      const ap_int<TOTAL> first = lane<IN_WIDTH_A, IN_SIGNED_A>(a, p);
      const ap_int<TOTAL> second = lane<IN_WIDTH_B, IN_SIGNED_B>(b, p);
      const ap_int<TOTAL> sum = first * MA + second * MB + BIAS;
      put_lane<OUT_WIDTH>(y, p, clipped<OUT_WIDTH, OUT_SIGNED>(ap_int<TOTAL>(sum >> SHIFT)));
    }
    m_axis.write(y);
  }
}

}  // namespace samfabric
