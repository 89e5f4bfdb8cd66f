// SPDX-License-Identifier: Apache-2.0
// Jobs of all ends of one direction: queues them and cuts them into bursts, one end after another.
//
//   a burst ends where its address reaches a multiple of BURST_BYTES, or with its job
//
// So a job from such a multiple on goes in bursts of BURST_BYTES, the last one excepted, and none
// crosses 4 KiB. Jobs of one end are cut in the order in which they came.
//
// Job       i_push with end, address in words, and length in bytes less one; only where o_room is
//           set. Queue and state of all ends stand in two LUTRAMs
// Burst     o_burst_* stand still from o_burst_valid to the cycle of i_take (it is on its way) or
//           i_drop (it was not issued, and the rest of the job is kept)
// Rate      one burst in 6 cycles
// Latency   6 cycles from i_push to o_burst_valid
// Golden    mover.py, `bursts`
`default_nettype none
`include "checks.svh"

module mover_bursts #(
    // Ends, at least 1
    parameter int unsigned ENDS = 4,
    // Jobs that wait for an end, a power of two from 2
    parameter int unsigned QUEUE = 4,
    // Bytes of a word of the memory port, a power of two
    parameter int unsigned WORD_BYTES = 8,
    // Bytes of a burst: a power of two, at most 256 words and at most 4096
    parameter int unsigned BURST_BYTES = 256,
    // Bits of an address and of a length
    parameter int unsigned ADDRESS_BITS = 40,
    parameter int unsigned LENGTH_BITS = 24,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1,
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned BURST_WORDS = BURST_BYTES / WORD_BYTES,
    localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS
) (
    input  wire logic                   clk,
    input  wire logic                   rst,
    input  wire logic                   i_push,
    input  wire logic [ INDEX_BITS-1:0] i_end,
    input  wire logic [ PLACE_BITS-1:0] i_place,
    input  wire logic [LENGTH_BITS-1:0] i_length,
    // Queues that have room, ends that have a job which is not cut to its end
    output logic      [       ENDS-1:0] o_room,
    output logic      [       ENDS-1:0] o_busy,
    // Ends that could do with a burst, whatever its length
    input  wire logic [       ENDS-1:0] i_able,
    // Begin no further burst; is none on offer or under way here?
    input  wire logic                   i_hold,
    output logic                        o_idle,
    output logic                        o_burst_valid,
    output logic      [       ENDS-1:0] o_burst_owner,
    output logic      [ INDEX_BITS-1:0] o_burst_end,
    output logic      [ PLACE_BITS-1:0] o_burst_place,
    // Beats less one
    output logic      [  BEAT_BITS-1:0] o_burst_beats,
    // Is it the job's first, its last? Last byte's lane in the last word of the job
    output logic                        o_burst_first,
    output logic                        o_burst_last,
    output logic      [  LANE_BITS-1:0] o_burst_tail,
    input  wire logic                   i_take,
    input  wire logic                   i_drop
);
  `SPEC_CHECK(queue, QUEUE >= 2 && (QUEUE & (QUEUE - 1)) == 0,
              ("mover_bursts: QUEUE = %0d: a power of two from 2", QUEUE))
  `SPEC_CHECK(word, WORD_BYTES >= 2 && (WORD_BYTES & (WORD_BYTES - 1)) == 0,
              ("mover_bursts: WORD_BYTES = %0d: a power of two from 2", WORD_BYTES))
  `SPEC_CHECK(pages, BURST_BYTES <= 4096 && (BURST_BYTES & (BURST_BYTES - 1)) == 0,
              ("mover_bursts: BURST_BYTES = %0d: a power of two to 4096", BURST_BYTES))
  `SPEC_CHECK(words, BURST_WORDS >= 2 && BURST_WORDS <= 256,
              ("mover_bursts: BURST_BYTES = %0d: 2 to 256 words of %0d", BURST_BYTES, WORD_BYTES))

  localparam int unsigned SLOT_BITS = $clog2(QUEUE);
  localparam int unsigned JOB_BITS = PLACE_BITS + LENGTH_BITS;
  localparam int unsigned WORDS_BITS = LENGTH_BITS - LANE_BITS;
  localparam int unsigned PLACES_BITS = $clog2(ENDS * QUEUE);

  // ---- Queues: two pointers an end, with a bit for the lap

  logic [ENDS-1:0][SLOT_BITS:0] write_q, read_q;
  logic [ENDS-1:0] begun_q;  // the first burst of a job has gone, the last has not
  logic [ENDS-1:0] waiting;
  logic [SLOT_BITS:0] write_slot, read_slot;
  logic [INDEX_BITS-1:0] owner_index;
  logic begin_job;

  for (genvar e = 0; e < ENDS; e++) begin : gen_end
    assign o_room[e]  = (write_q[e] ^ read_q[e]) != {1'b1, SLOT_BITS'(0)};
    assign waiting[e] = write_q[e] != read_q[e];
    assign o_busy[e]  = waiting[e] || begun_q[e];

    always_ff @(posedge clk) begin
      if (rst) begin
        write_q[e] <= '0;
        read_q[e]  <= '0;
        begun_q[e] <= 1'b0;
      end else begin
        if (i_push && i_end == INDEX_BITS'(e)) write_q[e] <= write_q[e] + 1'b1;
        if (begin_job && o_burst_owner[e]) read_q[e] <= read_q[e] + 1'b1;
        if (i_take && o_burst_owner[e]) begun_q[e] <= !o_burst_last;
      end
    end
  end

  always_comb begin
    write_slot  = '0;
    read_slot   = '0;
    owner_index = '0;
    for (int unsigned e = 0; e < ENDS; e++) begin
      if (i_end == INDEX_BITS'(e)) write_slot |= write_q[e];
      if (o_burst_owner[e]) read_slot |= read_q[e];
      if (o_burst_owner[e]) owner_index |= INDEX_BITS'(e);
    end
  end

  logic [PLACE_BITS-1:0] queued_place, kept_place, place_q, next_place;
  logic [LENGTH_BITS-1:0] queued_length, kept_length, length_q;

  logic [WORDS_BITS-1:0] rest_q;
  logic reading_q, loading_q, cutting_q, first_q;

  // A job is written a cycle late, so that its slot may be looked up in a cycle of its own: it is
  // read two cycles later at the earliest.
  logic put_q;
  logic [PLACES_BITS-1:0] slot_q;
  logic [JOB_BITS-1:0] job_q;

  always_ff @(posedge clk) begin
    put_q  <= i_push;
    slot_q <= PLACES_BITS'({i_end, write_slot[SLOT_BITS-1:0]});
    job_q  <= {i_place, i_length};
  end

  ram #(
      .DEPTH(ENDS * QUEUE),
      .WIDTH(JOB_BITS)
  ) u_queue (
      .clk,
      .wen  (put_q),
      .waddr(slot_q),
      .wdata(job_q),
      .ren  (reading_q),
      .raddr(PLACES_BITS'({owner_index, read_slot[SLOT_BITS-1:0]})),
      .rdata({queued_place, queued_length})
  );

  // ---- A burst: an end is picked, its job read, loaded, cut, and the burst offered

  // Who asks stands in flip-flops, of a cycle in which nothing was on its way.
  logic [ENDS-1:0] asking_q, grant;
  logic asked_q, settled_q, pick;

  mover_arbiter #(
      .ENDS(ENDS)
  ) u_arbiter (
      .clk,
      .rst,
      .i_asking(asking_q),
      .i_take  (pick),
      .o_grant (grant)
  );

  assign o_idle = !(reading_q || loading_q || cutting_q || o_burst_valid);
  assign pick   = settled_q && asked_q && !i_hold;

  ram #(
      .DEPTH(ENDS),
      .WIDTH(JOB_BITS)
  ) u_state (
      .clk,
      .wen  (i_take),
      .waddr(o_burst_end),
      .wdata({next_place, rest_q, length_q[LANE_BITS-1:0]}),
      .ren  (reading_q),
      .raddr(owner_index),
      .rdata({kept_place, kept_length})
  );

  // Words to the next multiple of BURST_BYTES less one, words of the job less one.
  logic [BEAT_BITS-1:0] room;
  logic [WORDS_BITS-1:0] words;
  logic fits;

  assign room          = ~place_q[BEAT_BITS-1:0];
  assign words         = length_q[LENGTH_BITS-1:LANE_BITS];
  assign fits          = words <= WORDS_BITS'(room);

  assign o_burst_place = place_q;
  assign next_place    = {place_q[PLACE_BITS-1:BEAT_BITS] + 1'b1, BEAT_BITS'(0)};
  assign begin_job     = i_take && first_q;
  assign o_burst_first = first_q;
  assign o_burst_tail  = length_q[LANE_BITS-1:0];

  always_ff @(posedge clk) begin
    asking_q <= o_busy & i_able;
    asked_q  <= |(o_busy & i_able);
    if (rst) settled_q <= 1'b0;
    else settled_q <= o_idle && !pick;
    // The end's index follows its one-hot grant by a cycle: both in one were the longest path.
    if (pick) o_burst_owner <= grant;
    if (reading_q) o_burst_end <= owner_index;
    if (loading_q) begin
      first_q <= !(|(begun_q & o_burst_owner));
      {place_q, length_q} <= |(begun_q & o_burst_owner) ? {kept_place, kept_length} :
                                                          {queued_place, queued_length};
    end
    if (cutting_q) begin
      o_burst_last  <= fits;
      o_burst_beats <= fits ? words[BEAT_BITS-1:0] : room;
      rest_q        <= words - WORDS_BITS'(room) - 1'b1;
    end
    if (rst) begin
      reading_q     <= 1'b0;
      loading_q     <= 1'b0;
      cutting_q     <= 1'b0;
      o_burst_valid <= 1'b0;
      o_burst_owner <= '0;
    end else begin
      reading_q     <= pick;
      loading_q     <= reading_q;
      cutting_q     <= loading_q;
      o_burst_valid <= o_burst_valid ? !(i_take || i_drop) : cutting_q;
    end
  end
endmodule

`default_nettype wire
