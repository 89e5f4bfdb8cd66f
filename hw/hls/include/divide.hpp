// SPDX-License-Identifier: Apache-2.0
// Rounded quotients of each row's codes and the row's divisor: the end of attention.
//
//   y = clip(floor(n / d + 1/2 + 2^-TIE)), d > 0
//     = clip(floor((2^TIE n + (2^(TIE-1) + 1) d) / (2^TIE d)))
//
// in: ROWS x DIM dividends, PE a beat, and one divisor a row.  out: ROWS x DIM codes, PE a beat.
// II = 1, OUT_WIDTH steps of restoring division deep: ROWS * DIM / PE cycles a frame.
#pragma once

#include "stream.hpp"

namespace samfabric {

// One quotient. The clipping comes of itself: below the range the first remainder is negative, and
// all ones are the most that the bits can be.
template <int N_WIDTH, int D_WIDTH, int OUT_WIDTH, bool SIGNED, int TIE>
Code<OUT_WIDTH, SIGNED> rounded_quotient(const ap_int<N_WIDTH>& n, const ap_uint<D_WIDTH>& d) {
#pragma HLS INLINE
  constexpr int TOTAL = larger(N_WIDTH, D_WIDTH + OUT_WIDTH) + TIE + 2;
  using Wide = ap_int<TOTAL>;
  const Wide divisor = Wide(d) << TIE;
  const Wide half = (Wide(d) << (TIE - 1)) + Wide(d);
  Wide rest = (Wide(n) << TIE) + half;
  if (SIGNED) rest += divisor << (OUT_WIDTH - 1);  // less the least code times the divisor
  ap_uint<OUT_WIDTH> quotient = 0;
  for (int bit = OUT_WIDTH - 1; bit >= 0; bit--) {
#pragma HLS UNROLL
    const Wide part = divisor << bit;
    if (rest >= part) {
      rest -= part;
      quotient[bit] = 1;
    }
  }
  return Code<OUT_WIDTH, SIGNED>(quotient + Range<OUT_WIDTH, SIGNED>::low);
}

template <int N_WIDTH, int D_WIDTH, int OUT_WIDTH, bool SIGNED, int DIM, int PE, int TIE, int ROWS>
void divide(Stream<PE, N_WIDTH>& s_axis_n, Stream<1, D_WIDTH>& s_axis_d,
            Stream<PE, OUT_WIDTH>& m_axis) {
  ap_uint<D_WIDTH> divisor = 1;
rows:
  for (int row = 0; row < ROWS; row++) {
  beats:
    for (int beat = 0; beat < DIM / PE; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
      if (beat == 0) divisor = s_axis_d.read();
      const Beat<PE, N_WIDTH> x = s_axis_n.read();
      Beat<PE, OUT_WIDTH> y = 0;
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        put_lane<OUT_WIDTH>(y, p,
                            rounded_quotient<N_WIDTH, D_WIDTH, OUT_WIDTH, SIGNED, TIE>(
                                lane<N_WIDTH, true>(x, p), divisor));
      }
      m_axis.write(y);
    }
  }
}

}  // namespace samfabric
