// SPDX-License-Identifier: Apache-2.0
// Writes of all write ends: bursts become addresses on AW, the ends' words go out on W.
//
// A burst is issued once all its words wait in their end, so that W never stands still for an
// accelerator. Several bursts are under way at once, under one ID; a FIFO remembers whose the
// responses are.
//
// Strobes   all lanes, but in a job's last word those up to i_burst_tail
// Done      o_done with the response to a job's last burst: all of it stands in memory
// Fault     o_fault with every response SLVERR or DECERR (o_fault_decode);
//           o_early: the frame ended before its job; a burst for which too few words are left is
//           given back (o_drop), and the end should not be asked again;
//           o_late: the frame did not end with its job
// Rate      one word a cycle, and 2 cycles between bursts
// Latency   3 cycles from a burst on offer to its first word on W
// Golden    mover.py
`default_nettype none

module mover_writer #(
    parameter int unsigned ENDS = 4,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BEAT_BITS = 5,
    parameter int unsigned ADDRESS_BITS = 40,
    // Bursts under way, at least 2
    parameter int unsigned OUTSTANDING = 8,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1,
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS
) (
    input wire logic clk,
    input wire logic rst,

    input  wire logic                  i_burst_valid,
    input  wire logic [      ENDS-1:0] i_burst_owner,
    input  wire logic [INDEX_BITS-1:0] i_burst_end,
    input  wire logic [PLACE_BITS-1:0] i_burst_place,
    input  wire logic [ BEAT_BITS-1:0] i_burst_beats,
    input  wire logic                  i_burst_last,
    input  wire logic [ LANE_BITS-1:0] i_burst_tail,
    output logic                       o_take,
    output logic                       o_drop,

    input  wire logic [ENDS-1:0]                   i_short,
    input  wire logic [ENDS-1:0]                   i_valid,
    input  wire logic [ENDS-1:0][WORD_BYTES*8-1:0] i_word,
    input  wire logic [ENDS-1:0][   LANE_BITS-1:0] i_tail,
    input  wire logic [ENDS-1:0]                   i_last,
    output logic      [ENDS-1:0]                   o_pull,

    output logic      [ADDRESS_BITS-1:0] m_axi_awaddr,
    output logic      [             7:0] m_axi_awlen,
    output logic                         m_axi_awvalid,
    input  wire logic                    m_axi_awready,
    output logic      [WORD_BYTES*8-1:0] m_axi_wdata,
    output logic      [  WORD_BYTES-1:0] m_axi_wstrb,
    output logic                         m_axi_wlast,
    output logic                         m_axi_wvalid,
    input  wire logic                    m_axi_wready,
    input  wire logic [             1:0] m_axi_bresp,
    input  wire logic                    m_axi_bvalid,
    output logic                         m_axi_bready,

    output logic [INDEX_BITS-1:0] o_done_end,
    output logic                  o_done,
    output logic                  o_fault,
    output logic                  o_fault_decode,
    // The end whose words go out; its frame ended too early, too late
    output logic [      ENDS-1:0] o_framed,
    output logic                  o_early,
    output logic                  o_late,
    // No burst is under way
    output logic                  o_idle
);
  localparam int unsigned COUNT_BITS = $clog2(OUTSTANDING + 1);
  localparam int unsigned OWNER_BITS = (INDEX_BITS + 7) / 8 * 8;

  logic room, owned, job_done, answered_q, offer, looked_q, lacking_q;
  logic [1:0] resp_q;
  logic [COUNT_BITS-1:0] count_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [OWNER_BITS-1:0] answered;  // has bits to spare
  // verilator lint_on UNUSEDSIGNAL

  // ---- W: the words of one burst

  logic run_q, job_ends_q, put, ready, word_valid, word_last, last_word, job_word;
  logic [ENDS-1:0] owner_q;
  logic [BEAT_BITS-1:0] left_q;
  logic [LANE_BITS-1:0] tail_q, word_tail;
  logic [WORD_BYTES*8-1:0] word;

  // A burst is looked at in the cycle before it may begin: does its end lack words?
  assign offer = looked_q && !run_q;
  assign o_drop = offer && lacking_q;
  assign o_take = offer && !lacking_q && (!m_axi_awvalid || m_axi_awready) && room &&
      count_q != COUNT_BITS'(OUTSTANDING);

  always_comb begin
    word       = '0;
    word_tail  = '0;
    word_last  = 1'b0;
    word_valid = 1'b0;
    for (int unsigned e = 0; e < ENDS; e++) begin
      if (owner_q[e]) begin
        word |= i_word[e];
        word_tail |= i_tail[e];
        word_last |= i_last[e];
        word_valid |= i_valid[e];
      end
    end
  end

  assign ready     = !m_axi_wvalid || m_axi_wready;
  assign put       = run_q && word_valid && ready;
  assign o_pull    = owner_q & {ENDS{run_q && ready}};
  assign last_word = left_q == '0;
  assign job_word  = last_word && job_ends_q;

  always_ff @(posedge clk) begin
    if (o_take) begin
      m_axi_awaddr <= {i_burst_place, LANE_BITS'(0)};
      m_axi_awlen  <= 8'(i_burst_beats);
      owner_q      <= i_burst_owner;
      tail_q       <= i_burst_tail;
      job_ends_q   <= i_burst_last;
    end
    if (o_take) left_q <= i_burst_beats;
    else if (put) left_q <= left_q - 1'b1;
    if (ready) begin
      m_axi_wdata <= word;
      m_axi_wlast <= last_word;
      for (int unsigned b = 0; b < WORD_BYTES; b++) begin
        m_axi_wstrb[b] <= !job_word || LANE_BITS'(b) <= tail_q;
      end
    end
    // What was wrong with the word, a cycle later.
    o_framed <= o_drop ? i_burst_owner : owner_q;
    resp_q <= m_axi_bresp;
    lacking_q <= |(i_burst_owner & i_short);
    if (rst) begin
      m_axi_awvalid <= 1'b0;
      m_axi_wvalid  <= 1'b0;
      run_q         <= 1'b0;
      looked_q      <= 1'b0;
      answered_q    <= 1'b0;
      count_q       <= '0;
      o_early       <= 1'b0;
      o_late        <= 1'b0;
    end else begin
      m_axi_awvalid <= m_axi_awvalid && !m_axi_awready || o_take;
      if (ready) m_axi_wvalid <= put;
      run_q      <= o_take || run_q && !(last_word && put);
      looked_q   <= i_burst_valid && !o_take && !o_drop;
      answered_q <= m_axi_bvalid;
      count_q    <= count_q + COUNT_BITS'(o_take) - COUNT_BITS'(answered_q);
      o_early    <= o_drop || put && word_last && !(job_word && word_tail == tail_q);
      o_late     <= put && job_word && !word_last;
    end
  end

  // ---- B: whose the responses are

  fifo #(
      .DEPTH(OUTSTANDING),
      .STREAM_WIDTH(OWNER_BITS)
  ) u_owners (
      .clk,
      .rst,
      .s_axis_tdata (OWNER_BITS'(i_burst_end)),
      .s_axis_tlast (i_burst_last),
      .s_axis_tvalid(o_take),
      .s_axis_tready(room),
      .m_axis_tdata (answered),
      .m_axis_tlast (job_done),
      .m_axis_tvalid(owned),
      .m_axis_tready(answered_q)
  );

  assign m_axi_bready = 1'b1;
  assign o_done_end = answered[INDEX_BITS-1:0];
  assign o_done = answered_q && job_done;
  assign o_fault = answered_q && resp_q[1];
  assign o_fault_decode = resp_q[0];
  assign o_idle = count_q == '0 && !run_q;

`ifndef SYNTHESIS
  owner_known :
  assert property (@(posedge clk) disable iff (rst) answered_q |-> owned)
  else $error("mover_writer: a response came that nobody waits for");
`endif
endmodule

`default_nettype wire
