// SPDX-License-Identifier: Apache-2.0
// Exponentials of rows of scores relative to their maximum, and their sums: softmax up to its
// division.
//
//   e[r][l] = table[max of row r - s[r][l]] for l < L, else 0;    sum[r] = sum over l of e[r][l]
//
// in: ROWS x L scores, PE a beat, L filled up to a multiple of PE.   out: e likewise; one sum a row.
// L is LENGTH, or in RAGGED the beat that s_axis_length brings for each frame.
// II = 1: a row takes its beats; a row's table look-ups run while the next row's maximum is found.
#pragma once

#include "stream.hpp"

namespace samfabric {

// The maximum of each row, and its scores passed on.
template <int IN_WIDTH, int LENGTH, int PE, int ROWS>
void rowexp_maximum(Stream<PE, IN_WIDTH>& s_axis, Stream<PE, IN_WIDTH>& scores,
                    hls::stream<ap_int<IN_WIDTH>>& maxima, int length) {
  const int beats = ceil_div(length, PE);
rows:
  for (int row = 0; row < ROWS; row++) {
    ap_int<IN_WIDTH> highest = Range<IN_WIDTH, true>::low;
  beats:
    for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = ceil_div(LENGTH, PE)
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, IN_WIDTH> x = s_axis.read();
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        const ap_int<IN_WIDTH> score = lane<IN_WIDTH, true>(x, p);
        if (beat * PE + p < length && score > highest) highest = score;
      }
      scores.write(x);
    }
    maxima.write(highest);
  }
}

template <int IN_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int ROWS>
void rowexp_lookup(Stream<PE, IN_WIDTH>& scores, hls::stream<ap_int<IN_WIDTH>>& maxima,
                   Stream<PE, OUT_WIDTH>& m_axis, Stream<1, SUM_WIDTH>& m_axis_sum,
                   const Constant<OUT_WIDTH, false> table[1 << IN_WIDTH], int length) {
  const int beats = ceil_div(length, PE);
rows:
  for (int row = 0; row < ROWS; row++) {
    const ap_int<IN_WIDTH> highest = maxima.read();
    ap_uint<SUM_WIDTH> sum = 0;
  beats:
    for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = ceil_div(LENGTH, PE)
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, IN_WIDTH> x = scores.read();
      Beat<PE, OUT_WIDTH> y = 0;
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        const ap_uint<IN_WIDTH> distance = highest - lane<IN_WIDTH, true>(x, p);
        const ap_uint<OUT_WIDTH> e =
            beat * PE + p < length ? ap_uint<OUT_WIDTH>(table[int(distance)]) : ap_uint<OUT_WIDTH>(0);
        sum += e;
        put_lane<OUT_WIDTH>(y, p, e);
      }
      m_axis.write(y);
    }
    m_axis_sum.write(Beat<1, SUM_WIDTH>(sum));
  }
}

template <int IN_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int ROWS>
void rowexp_frame(int length, Stream<PE, IN_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
                  Stream<1, SUM_WIDTH>& m_axis_sum,
                  const Constant<OUT_WIDTH, false> table[1 << IN_WIDTH]) {
#pragma HLS DATAFLOW
  Stream<PE, IN_WIDTH> scores("rowexp.scores");
  hls::stream<ap_int<IN_WIDTH>> maxima("rowexp.maxima");
#pragma HLS STREAM variable = scores depth = 2 * (LENGTH / PE)
#pragma HLS STREAM variable = maxima depth = 2
  rowexp_maximum<IN_WIDTH, LENGTH, PE, ROWS>(s_axis, scores, maxima, length);
  rowexp_lookup<IN_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, ROWS>(scores, maxima, m_axis,
                                                                  m_axis_sum, table, length);
}

template <int IN_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int ROWS>
void rowexp(Stream<PE, IN_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
            Stream<1, SUM_WIDTH>& m_axis_sum,
            const Constant<OUT_WIDTH, false> table[1 << IN_WIDTH]) {
  rowexp_frame<IN_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, ROWS>(LENGTH, s_axis, m_axis, m_axis_sum,
                                                                 table);
}

// RAGGED.
template <int IN_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int ROWS>
void rowexp(Stream<PE, IN_WIDTH>& s_axis, Stream<1, bits_of(LENGTH)>& s_axis_length,
            Stream<PE, OUT_WIDTH>& m_axis, Stream<1, SUM_WIDTH>& m_axis_sum,
            const Constant<OUT_WIDTH, false> table[1 << IN_WIDTH]) {
  const int length = s_axis_length.read();
  rowexp_frame<IN_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, ROWS>(length, s_axis, m_axis, m_axis_sum,
                                                                 table);
}

}  // namespace samfabric
