// SPDX-License-Identifier: Apache-2.0
// Requantizer: sums -> codes.
//
//   y = clip((acc * m + (b << B_SHIFT)) >> (SHIFT + n * SHIFT_STEP))
//
// with integers m, b, n a channel and `>>` rounding down; a sum beyond PORT_WIDTH bits gives the end
// of the range.
// in: PIXELS x NumChannels sums, out: PIXELS x NumChannels codes, PE a beat. m, b, n: set, group of
// channels, lane.
// II = 1: PIXELS * NumChannels / PE cycles a frame.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int NumChannels, int PE, int ACCU_WIDTH, int PORT_WIDTH, int OUT_WIDTH, bool OUT_SIGNED,
          int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT, int SHIFTS, int SHIFT_STEP, int SETS,
          int PIXELS>
void requant_set(Stream<PE, ACCU_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
                 const Constant<M_WIDTH, false> m[SETS * (NumChannels / PE)][PE],
                 const Constant<B_WIDTH, true> b[SETS * (NumChannels / PE)][PE],
                 const Constant<8, false> n[SETS * (NumChannels / PE)][PE], int set) {
  constexpr int GROUPS = NumChannels / PE;
  // Of the product and of the offset, and a bit for their sum.
  constexpr int TOTAL = larger(PORT_WIDTH + M_WIDTH + 1, B_WIDTH + B_SHIFT) + 1;
#pragma HLS ARRAY_PARTITION variable = m complete dim = 2
#pragma HLS ARRAY_PARTITION variable = b complete dim = 2
#pragma HLS ARRAY_PARTITION variable = n complete dim = 2
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  groups:
    for (int group = 0; group < GROUPS; group++) {
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, ACCU_WIDTH> x = s_axis.read();
      const int word = set * GROUPS + group;
      Beat<PE, OUT_WIDTH> y = 0;
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        const ap_int<ACCU_WIDTH> acc = lane<ACCU_WIDTH, true>(x, p);
        const ap_int<PORT_WIDTH> port = clipped<PORT_WIDTH, true>(acc);
        const ap_uint<M_WIDTH> factor = m[word][p];
        const ap_int<TOTAL> offset = ap_int<TOTAL>(ap_int<B_WIDTH>(b[word][p])) << B_SHIFT;
        const ap_int<TOTAL> total = ap_int<TOTAL>(port * factor) + offset;
        const int shift = SHIFTS > 1 ? SHIFT + int(n[word][p]) * SHIFT_STEP : SHIFT;
        Code<OUT_WIDTH, OUT_SIGNED> code = clipped<OUT_WIDTH, OUT_SIGNED>(total >> shift);
        if (acc > port) code = Code<OUT_WIDTH, OUT_SIGNED>(Range<OUT_WIDTH, OUT_SIGNED>::high);
        if (acc < port) code = Code<OUT_WIDTH, OUT_SIGNED>(Range<OUT_WIDTH, OUT_SIGNED>::low);
        put_lane<OUT_WIDTH>(y, p, code);
      }
      m_axis.write(y);
    }
  }
}

// One set of constants.
template <int NumChannels, int PE, int ACCU_WIDTH, int PORT_WIDTH, int OUT_WIDTH, bool OUT_SIGNED,
          int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT, int SHIFTS, int SHIFT_STEP, int SETS,
          int PIXELS>
void requant(Stream<PE, ACCU_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
             const Constant<M_WIDTH, false> m[SETS * (NumChannels / PE)][PE],
             const Constant<B_WIDTH, true> b[SETS * (NumChannels / PE)][PE],
             const Constant<8, false> n[SETS * (NumChannels / PE)][PE]) {
  requant_set<NumChannels, PE, ACCU_WIDTH, PORT_WIDTH, OUT_WIDTH, OUT_SIGNED, M_WIDTH, B_WIDTH,
              B_SHIFT, SHIFT, SHIFTS, SHIFT_STEP, SETS, PIXELS>(s_axis, m_axis, m, b, n, 0);
}

// Several sets, of which each frame names its own.
template <int NumChannels, int PE, int ACCU_WIDTH, int PORT_WIDTH, int OUT_WIDTH, bool OUT_SIGNED,
          int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT, int SHIFTS, int SHIFT_STEP, int SETS,
          int PIXELS>
void requant(LayerStream<SETS>& s_axis_layer, Stream<PE, ACCU_WIDTH>& s_axis,
             Stream<PE, OUT_WIDTH>& m_axis,
             const Constant<M_WIDTH, false> m[SETS * (NumChannels / PE)][PE],
             const Constant<B_WIDTH, true> b[SETS * (NumChannels / PE)][PE],
             const Constant<8, false> n[SETS * (NumChannels / PE)][PE]) {
  const int set = s_axis_layer.read();
  requant_set<NumChannels, PE, ACCU_WIDTH, PORT_WIDTH, OUT_WIDTH, OUT_SIGNED, M_WIDTH, B_WIDTH,
              B_SHIFT, SHIFT, SHIFTS, SHIFT_STEP, SETS, PIXELS>(s_axis, m_axis, m, b, n, set);
}

}  // namespace samfabric
