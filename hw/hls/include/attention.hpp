// SPDX-License-Identifier: Apache-2.0
// One attention head as a stream of queries: no score matrix is stored.
//
//   scores  s[q][l] = requant(sum over d of Q[q][d] K[l][d])
//   weights e[q][l] = table[max of row q - s[q][l]]
//   out     y[q][d] = clip(round((sum over l of e[q][l] V[l][d]) / (sum over l of e[q][l])))
//
// in: keys and values, L x DIM codes, filled up to a multiple of PE rows; queries, QUERIES x DIM; SIMD
// a beat. out: QUERIES x DIM codes, SIMD a beat. L is LENGTH, or in RAGGED the beat of s_axis_length.
// II = 1: max(L * DIM / SIMD, QUERIES * L * DIM / (PE * SIMD)) cycles a frame. Five processes: scores,
// requantizer, exponentials, context, division. The sums of e wait in a FIFO for their context.
#pragma once

#include "divide.hpp"
#include "matmul.hpp"
#include "requant.hpp"
#include "rowexp.hpp"

namespace samfabric {

// Constants of the requantizer, which all lanes share, and the frame's set of them. MOST: beats of the longest frame.
template <int PE, int ACCU_WIDTH, int PORT_WIDTH, int OUT_WIDTH, int M_WIDTH, int B_WIDTH,
          int B_SHIFT, int SHIFT, int SHIFTS, int SHIFT_STEP, int SETS, int MOST>
void attention_requant(Stream<PE, ACCU_WIDTH>& sums, Stream<PE, OUT_WIDTH>& scores,
                       const Constant<M_WIDTH, false> m[SETS][PE],
                       const Constant<B_WIDTH, true> b[SETS][PE],
                       const Constant<8, false> n[SETS][PE], int set, int beats) {
beats:
  for (int beat = 0; beat < beats; beat++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = MOST
#pragma HLS PIPELINE II = 1 style = flp
    requant_set<PE, PE, ACCU_WIDTH, PORT_WIDTH, OUT_WIDTH, true, M_WIDTH, B_WIDTH, B_SHIFT, SHIFT,
                SHIFTS, SHIFT_STEP, SETS, 1>(sums, scores, m, b, n, set);
  }
}

template <int LENGTH, int DIM, int PE, int SIMD, int Q_WIDTH, int K_WIDTH, int V_WIDTH, int S_WIDTH,
          int E_WIDTH, int OUT_WIDTH, int S_ACCU_WIDTH, int N_ACCU_WIDTH, int SUM_WIDTH,
          int PORT_WIDTH, int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT, int SHIFTS,
          int SHIFT_STEP, int SETS, int TIE, int QUERIES>
void attention_frame(int length, int set, Stream<SIMD, K_WIDTH>& s_axis_k,
                     Stream<SIMD, V_WIDTH>& s_axis_v, Stream<SIMD, Q_WIDTH>& s_axis_q,
                     Stream<SIMD, OUT_WIDTH>& m_axis, const Constant<M_WIDTH, false> m[SETS][PE],
                     const Constant<B_WIDTH, true> b[SETS][PE],
                     const Constant<8, false> n[SETS][PE],
                     const Constant<E_WIDTH, false> table[1 << S_WIDTH]) {
#pragma HLS DATAFLOW
  Stream<PE, S_ACCU_WIDTH> sums("attention.sums");
  Stream<PE, S_WIDTH> scores("attention.scores");
  Stream<PE, E_WIDTH> weights("attention.weights");
  Stream<1, SUM_WIDTH> divisors("attention.divisors");
  Stream<SIMD, N_ACCU_WIDTH> context("attention.context");
#pragma HLS STREAM variable = sums depth = 2
#pragma HLS STREAM variable = scores depth = 2
#pragma HLS STREAM variable = weights depth = 2
#pragma HLS STREAM variable = divisors depth = 8
#pragma HLS STREAM variable = context depth = 2
  const int filled = ceil_div(length, PE) * PE;
  matmul_frame<true, LENGTH, DIM, PE, SIMD, Q_WIDTH, true, K_WIDTH, S_ACCU_WIDTH, QUERIES>(
      filled, s_axis_k, s_axis_q, sums);
  attention_requant<PE, S_ACCU_WIDTH, PORT_WIDTH, S_WIDTH, M_WIDTH, B_WIDTH, B_SHIFT, SHIFT, SHIFTS,
                    SHIFT_STEP, SETS, QUERIES * ceil_div(LENGTH, PE)>(sums, scores, m, b, n, set,
                                                                      QUERIES * (filled / PE));
  rowexp_frame<S_WIDTH, E_WIDTH, LENGTH, PE, SUM_WIDTH, QUERIES>(length, scores, weights, divisors,
                                                                 table);
  matmul_frame<false, LENGTH, DIM, SIMD, PE, E_WIDTH, false, V_WIDTH, N_ACCU_WIDTH, QUERIES>(
      filled, s_axis_v, weights, context);
  divide<N_ACCU_WIDTH, SUM_WIDTH, OUT_WIDTH, true, DIM, SIMD, TIE, QUERIES>(context, divisors,
                                                                            m_axis);
}

// RAGGED and SETS > 1 say which of the two run-time streams there are.
template <bool RAGGED, int LENGTH, int DIM, int PE, int SIMD, int Q_WIDTH, int K_WIDTH, int V_WIDTH,
          int S_WIDTH, int E_WIDTH, int OUT_WIDTH, int S_ACCU_WIDTH, int N_ACCU_WIDTH,
          int SUM_WIDTH, int PORT_WIDTH, int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT,
          int SHIFTS, int SHIFT_STEP, int SETS, int TIE, int QUERIES>
void attention(Stream<SIMD, K_WIDTH>& s_axis_k, Stream<SIMD, V_WIDTH>& s_axis_v,
               Stream<SIMD, Q_WIDTH>& s_axis_q, Stream<SIMD, OUT_WIDTH>& m_axis,
               const Constant<M_WIDTH, false> m[SETS][PE], const Constant<B_WIDTH, true> b[SETS][PE],
               const Constant<8, false> n[SETS][PE],
               const Constant<E_WIDTH, false> table[1 << S_WIDTH]) {
  attention_frame<LENGTH, DIM, PE, SIMD, Q_WIDTH, K_WIDTH, V_WIDTH, S_WIDTH, E_WIDTH, OUT_WIDTH,
                  S_ACCU_WIDTH, N_ACCU_WIDTH, SUM_WIDTH, PORT_WIDTH, M_WIDTH, B_WIDTH, B_SHIFT,
                  SHIFT, SHIFTS, SHIFT_STEP, SETS, TIE, QUERIES>(LENGTH, 0, s_axis_k, s_axis_v,
                                                                 s_axis_q, m_axis, m, b, n, table);
}

template <bool RAGGED, int LENGTH, int DIM, int PE, int SIMD, int Q_WIDTH, int K_WIDTH, int V_WIDTH,
          int S_WIDTH, int E_WIDTH, int OUT_WIDTH, int S_ACCU_WIDTH, int N_ACCU_WIDTH,
          int SUM_WIDTH, int PORT_WIDTH, int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT,
          int SHIFTS, int SHIFT_STEP, int SETS, int TIE, int QUERIES>
void attention(Stream<SIMD, K_WIDTH>& s_axis_k, Stream<SIMD, V_WIDTH>& s_axis_v,
               Stream<SIMD, Q_WIDTH>& s_axis_q,
               Stream<1, (RAGGED ? bits_of(LENGTH) : bits_of(larger(SETS - 1, 1)))>& setting,
               Stream<SIMD, OUT_WIDTH>& m_axis, const Constant<M_WIDTH, false> m[SETS][PE],
               const Constant<B_WIDTH, true> b[SETS][PE], const Constant<8, false> n[SETS][PE],
               const Constant<E_WIDTH, false> table[1 << S_WIDTH]) {
  const int value = setting.read();
  attention_frame<LENGTH, DIM, PE, SIMD, Q_WIDTH, K_WIDTH, V_WIDTH, S_WIDTH, E_WIDTH, OUT_WIDTH,
                  S_ACCU_WIDTH, N_ACCU_WIDTH, SUM_WIDTH, PORT_WIDTH, M_WIDTH, B_WIDTH, B_SHIFT,
                  SHIFT, SHIFTS, SHIFT_STEP, SETS, TIE, QUERIES>(
      RAGGED ? value : LENGTH, RAGGED ? 0 : value, s_axis_k, s_axis_v, s_axis_q, m_axis, m, b, n,
      table);
}

template <bool RAGGED, int LENGTH, int DIM, int PE, int SIMD, int Q_WIDTH, int K_WIDTH, int V_WIDTH,
          int S_WIDTH, int E_WIDTH, int OUT_WIDTH, int S_ACCU_WIDTH, int N_ACCU_WIDTH,
          int SUM_WIDTH, int PORT_WIDTH, int M_WIDTH, int B_WIDTH, int B_SHIFT, int SHIFT,
          int SHIFTS, int SHIFT_STEP, int SETS, int TIE, int QUERIES>
void attention(Stream<SIMD, K_WIDTH>& s_axis_k, Stream<SIMD, V_WIDTH>& s_axis_v,
               Stream<SIMD, Q_WIDTH>& s_axis_q, Stream<1, bits_of(LENGTH)>& s_axis_length,
               Stream<1, bits_of(larger(SETS - 1, 1))>& s_axis_layer,
               Stream<SIMD, OUT_WIDTH>& m_axis, const Constant<M_WIDTH, false> m[SETS][PE],
               const Constant<B_WIDTH, true> b[SETS][PE], const Constant<8, false> n[SETS][PE],
               const Constant<E_WIDTH, false> table[1 << S_WIDTH]) {
  const int length = s_axis_length.read();
  const int set = s_axis_layer.read();
  attention_frame<LENGTH, DIM, PE, SIMD, Q_WIDTH, K_WIDTH, V_WIDTH, S_WIDTH, E_WIDTH, OUT_WIDTH,
                  S_ACCU_WIDTH, N_ACCU_WIDTH, SUM_WIDTH, PORT_WIDTH, M_WIDTH, B_WIDTH, B_SHIFT,
                  SHIFT, SHIFTS, SHIFT_STEP, SETS, TIE, QUERIES>(
      length, set, s_axis_k, s_axis_v, s_axis_q, m_axis, m, b, n, table);
}

}  // namespace samfabric
