// SPDX-License-Identifier: Apache-2.0
// Softmax of rows of scores in integers: a table of exponentials, exact sums, one rounded division.
//
//   y[r][l] = clip(floor(2^OUT_WIDTH e[r][l] / sum[r] + 1/2 + 2^-TIE)), e and sum as in rowexp.hpp
//
// in: ROWS x L scores, out: ROWS x L probabilities in units of 2^-OUT_WIDTH, PE a beat.
// II = 1: rowexp and the division are two processes, two rows apart.
#pragma once

#include "divide.hpp"
#include "rowexp.hpp"

namespace samfabric {

template <int EXP_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int TIE, int ROWS>
void softmax_divide(Stream<PE, EXP_WIDTH>& exponentials, Stream<1, SUM_WIDTH>& sums,
                    Stream<PE, OUT_WIDTH>& m_axis, int length) {
  const int beats = ceil_div(length, PE);
rows:
  for (int row = 0; row < ROWS; row++) {
    const ap_uint<SUM_WIDTH> sum = sums.read();
  beats:
    for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = ceil_div(LENGTH, PE)
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, EXP_WIDTH> x = exponentials.read();
      Beat<PE, OUT_WIDTH> y = 0;
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        const ap_int<EXP_WIDTH + OUT_WIDTH + 1> dividend =
            ap_int<EXP_WIDTH + OUT_WIDTH + 1>(lane<EXP_WIDTH, false>(x, p)) << OUT_WIDTH;
        put_lane<OUT_WIDTH>(
            y, p,
            rounded_quotient<EXP_WIDTH + OUT_WIDTH + 1, SUM_WIDTH, OUT_WIDTH, false, TIE>(dividend,
                                                                                         sum));
      }
      m_axis.write(y);
    }
  }
}

template <int IN_WIDTH, int EXP_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int TIE,
          int ROWS>
void softmax_frame(int length, Stream<PE, IN_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
                   const Constant<EXP_WIDTH, false> table[1 << IN_WIDTH]) {
#pragma HLS DATAFLOW
  Stream<PE, EXP_WIDTH> exponentials("softmax.exponentials");
  Stream<1, SUM_WIDTH> sums("softmax.sums");
#pragma HLS STREAM variable = exponentials depth = LENGTH / PE + 2
#pragma HLS STREAM variable = sums depth = 4
  rowexp_frame<IN_WIDTH, EXP_WIDTH, LENGTH, PE, SUM_WIDTH, ROWS>(length, s_axis, exponentials, sums,
                                                                 table);
  softmax_divide<EXP_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, TIE, ROWS>(exponentials, sums, m_axis,
                                                                         length);
}

template <int IN_WIDTH, int EXP_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int TIE,
          int ROWS>
void softmax(Stream<PE, IN_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
             const Constant<EXP_WIDTH, false> table[1 << IN_WIDTH]) {
  softmax_frame<IN_WIDTH, EXP_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, TIE, ROWS>(LENGTH, s_axis,
                                                                                  m_axis, table);
}

// RAGGED.
template <int IN_WIDTH, int EXP_WIDTH, int OUT_WIDTH, int LENGTH, int PE, int SUM_WIDTH, int TIE,
          int ROWS>
void softmax(Stream<PE, IN_WIDTH>& s_axis, Stream<1, bits_of(LENGTH)>& s_axis_length,
             Stream<PE, OUT_WIDTH>& m_axis, const Constant<EXP_WIDTH, false> table[1 << IN_WIDTH]) {
  const int length = s_axis_length.read();
  softmax_frame<IN_WIDTH, EXP_WIDTH, OUT_WIDTH, LENGTH, PE, SUM_WIDTH, TIE, ROWS>(length, s_axis,
                                                                                  m_axis, table);
}

}  // namespace samfabric
