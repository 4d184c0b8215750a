using System.Collections.Frozen;

namespace SpecDecode.Diagnostics;

/// <summary>
/// Every instrument that there is, in the order of docs/telemetry.md. Instruments are made of these rows and in no other way, and a test
/// holds the page to them.
/// </summary>
internal static class InstrumentTable
{
    // A step takes from a millisecond to seconds; OpenTelemetry's default boundaries are made for other things.
    private static readonly double[] Steps = [.0005, .001, .002, .004, .006, .008, .01, .015, .02, .03, .04, .06, .08, .1, .15, .25, .5, 1, 2.5, 5];

    // Where there are more requests than the model answers, they wait for minutes.
    private static readonly double[] Waits = [.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

    // The conventions', and below them what a small model needs.
    private static readonly double[] Requests = [.001, .0025, .005, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] FirstTokens = [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10];

    private static readonly double[] Lengths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64];

    private static readonly double[] Rows = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512];

    private static readonly string[] Answer = [TelemetryNames.OperationName, TelemetryNames.ProviderName, TelemetryNames.ResponseModel];

    private static readonly string[] RequestKind = [TelemetryNames.DraftStrategy, TelemetryNames.AcceptanceRuleName];

    /// <summary>The rows.</summary>
    public static IReadOnlyList<InstrumentRow> All { get; } =
    [
        Count("specdecode.rounds", "{round}", "Rounds that gave a sequence tokens after its first one, those without a draft included."),
        Count("specdecode.rounds.output_tokens", "{token}", "Tokens that rounds gave: all but the first of each text."),
        Count("specdecode.rounds.plain", "{round}", "Rounds without a draft, by why they had none.", TelemetryNames.DraftReasonName),
        Count("specdecode.draft.rounds", "{round}", "Rounds that had a draft."),
        Count("specdecode.draft.drafted_tokens", "{token}", "Draft tokens."),
        Count("specdecode.draft.looked_up_tokens", "{token}", "Draft tokens that cost no pass of the drafter: proposed by the text's own past, or by a policy."),
        Count("specdecode.draft.forced_tokens", "{token}", "Draft tokens that a constraint forced; they cost no pass of the drafter either."),
        Count("specdecode.draft.guessed_tokens", "{token}", "Guesses of a cascade's exits that the level above them judged."),
        Count("specdecode.draft.guesses_taken", "{token}", "Those of them that were its own choice, each of which saved it a pass."),
        Count("specdecode.draft.uncovered_tokens", "{token}", "Tokens of texts that draft which were not among those that drafts choose from."),
        Count("specdecode.draft.evaluated_tokens", "{token}", "Draft tokens that acceptance looked at: the accepted ones and the first that was not."),
        Count("specdecode.draft.accepted_tokens", "{token}", "Draft tokens that became output, by their place in the draft.", TelemetryNames.DraftPosition),
        Count("specdecode.draft.discarded_tokens", "{token}", "Draft tokens that did not become output."),
        Time("specdecode.draft.wasted_time", "Time of passes that went into draft tokens which did not become output: of the drafter, and the rows' share of the verifier's.", TelemetryNames.PassName),
        Count("specdecode.draft.decisions", "{round}", "Rounds, by why they had their draft or none.", TelemetryNames.DraftReasonName),
        Count("specdecode.draft.passes", "{pass}", "Passes of the drafter."),
        Count("specdecode.draft.pass_rows", "{row}", "Rows of these passes, of all sequences together."),
        Count("specdecode.corrections", "{token}", "Tokens of the verifier in place of a draft token."),
        Count("specdecode.bonus_tokens", "{token}", "Tokens of the verifier behind a draft that was accepted as a whole."),
        Count("specdecode.output_tokens", "{token}", "Tokens that became output."),
        Count("specdecode.prompt_tokens", "{token}", "Tokens of prompts that were read, and of texts that were read again after a preemption."),
        Count("specdecode.cached_prompt_tokens", "{token}", "Tokens of prompts of requests that have ended which were found in pages of other texts, and not read."),
        Count("specdecode.preemptions", "{sequence}", "Sequences that gave their memory up to others, to read their texts again later."),
        Count("specdecode.failed_passes", "{pass}", "Passes that failed: drafts that ended early, and sequences that were tried again alone."),
        Time("specdecode.speedup.step_time", "Time of steps that read no prompt, as far as the time of plain ones is known."),
        Time("specdecode.speedup.plain_time", "Time that plain steps are estimated to take for the tokens of the same steps, from plain steps that were measured."),
        Time("specdecode.engine.time", "Time of the thread that runs the steps, by what it did: steps, passing tokens on, searching for layers to leave out.", TelemetryNames.ActivityName),
        Count("specdecode.requests.ended", "{request}", "Requests that have ended.", TelemetryNames.FinishReasonName),
        Count("specdecode.requests.refused", "{request}", "Requests that were not taken: the queue was full, or the service stopped or had failed.", TelemetryNames.ErrorType),
        Count("specdecode.requests.rounds", "{round}", "Rounds of requests that have ended, by kind of request.", RequestKind),
        Count("specdecode.requests.output_tokens", "{token}", "Tokens that these rounds gave.", RequestKind),
        Count("specdecode.requests.drafted_tokens", "{token}", "Draft tokens of these rounds.", RequestKind),
        Count("specdecode.requests.accepted_tokens", "{token}", "Draft tokens of these rounds that became output.", RequestKind),
        Count("specdecode.search.tried", "{plan}", "Sets of layers to leave out that the search has tried."),
        Count("specdecode.search.adopted", "{plan}", "Those of them by which requests drafted from then on."),
        Count("specdecode.calibration.tried", "{plan}", "Plans that calibrations have tried, by method; those of a calibration that goes on count again.", TelemetryNames.CalibrationMethodName),
        Time("specdecode.calibration.time", "Time that calibrations took, by what they did.", TelemetryNames.CalibrationPhaseName),

        Histogram("specdecode.draft.drafted_length", "{token}", Lengths, "Draft tokens of a round that had a draft."),
        Histogram("specdecode.draft.accepted_length", "{token}", Lengths, "Draft tokens accepted in a round that had a draft."),
        Histogram("specdecode.draft.duration", "s", Steps, "Time of a step's draft passes, where there were any."),
        Histogram("specdecode.verify.duration", "s", Steps, "Time of a step's verifying pass."),
        Histogram("specdecode.verify.rows", "{row}", Rows, "Rows of a verifying pass, of all sequences together, those of prompts included."),
        Histogram("specdecode.step.duration", "s", Steps, "Time of a step."),
        Histogram("specdecode.queue.duration", "s", Waits, "From a request's coming to its admission, or to its end where it was never admitted."),
        Histogram("specdecode.prefill.duration", "s", FirstTokens, "From a request's admission to its first token, where it was answered."),
        Histogram("specdecode.decode.duration", "s", Requests, "From a request's first token to its last, where it was answered."),
        Histogram("gen_ai.server.request.duration", "s", Requests, "From a request's coming to its end.", [.. Answer, TelemetryNames.FinishReasonName, TelemetryNames.ErrorType]),
        Histogram("gen_ai.server.time_to_first_token", "s", FirstTokens, "From a request's coming to its first token, where it was answered.", Answer),
        Histogram("gen_ai.server.time_per_output_token", "s", Steps, "Time per token after the first, of a request that was answered.", Answer),

        Gauge("specdecode.draft.choice", "{plan}", "1, with the plan that auto prefers; 0 with those that it preferred before. The first 32 plans by name, further ones as other.", TelemetryNames.DraftPlanName),
        Gauge("specdecode.draft.expected_speedup", "{ratio}", "Tokens per second that auto expects, over those of plain decoding; 1 where it drafts nothing."),
        Gauge("specdecode.draft.calibration_error", "{ratio}", "Mean difference between the chances that auto said of draft tokens and how many were accepted."),
        Gauge("specdecode.draft.judged_tokens", "{token}", "Draft tokens on which auto's chances rest; those of old texts fade."),
        Gauge("specdecode.search.expected_speedup", "{ratio}", "Tokens per second that the search expects of the best set of layers, over those of plain decoding; none before it has judged one."),
        Gauge("specdecode.search.resting", "{search}", "1 while the search rests, since nothing better was found for long; 0 while it searches; none without a search."),
        Gauge("specdecode.calibration.running", "{calibration}", "1 for what a calibration is doing, 0 for the rest.", TelemetryNames.CalibrationPhaseName),
        Gauge("specdecode.calibration.expected_speedup", "{ratio}", "Tokens per second that a calibration expects of a method's best plan, over those of plain decoding.", TelemetryNames.CalibrationMethodName),
        UpDown("specdecode.sequences.live", "{sequence}", "Sequences that are worked on."),
        UpDown("specdecode.sequences.waiting", "{sequence}", "Requests that wait for admission."),
        UpDown("specdecode.kv_cache.used", "By", "Bytes of pages of keys and values that sequences use."),
        UpDown("specdecode.kv_cache.reserved", "By", "Bytes that sequences use, or that they have been promised for keys and values."),
        UpDown("specdecode.kv_cache.kept", "By", "Bytes of pages that no sequence uses, kept for requests that begin alike; they go when memory is wanted."),
        UpDown("specdecode.kv_cache.shared", "By", "Bytes of pages that several sequences use."),
        UpDown("specdecode.kv_cache.limit", "By", "Bytes that all sequences may take for keys and values."),
        Gauge("specdecode.kv_cache.utilization", "{ratio}", "Reserved bytes over those that may be, 0 to 1."),
        Gauge("specdecode.model.ready", "{model}", "1 while the model answers requests, 0 while it does not."),
        Gauge("specdecode.model.load.duration", "s", "Time of the last loading of the model, by what it went into.", TelemetryNames.LoadPhaseName),
        Gauge(
            "specdecode.model.info", "{model}", "1, with how the model is set up; 0 with how it was before its defaults changed or it was unloaded.",
            TelemetryNames.DraftStrategy, TelemetryNames.DraftExitLayer, TelemetryNames.DraftSkipAttention, TelemetryNames.DraftSkipMlp, TelemetryNames.DraftLength,
            TelemetryNames.DraftCascadeExits, TelemetryNames.DraftCascadeLength, TelemetryNames.DraftPolicy, TelemetryNames.DraftThreshold, TelemetryNames.DraftPrecision, TelemetryNames.Precision, TelemetryNames.Threads),
    ];

    private static readonly FrozenDictionary<string, InstrumentRow> s_byName = All.ToFrozenDictionary(row => row.Name);

    /// <summary>The row of an instrument.</summary>
    public static InstrumentRow Of(string name) => s_byName[name];

    private static InstrumentRow Count(string name, string unit, string description, params string[] attributes) =>
        new(name, InstrumentKind.Counter, unit, description, attributes);

    private static InstrumentRow Time(string name, string description, params string[] attributes) =>
        new(name, InstrumentKind.TimeCounter, "s", description, attributes);

    private static InstrumentRow UpDown(string name, string unit, string description) => new(name, InstrumentKind.UpDown, unit, description);

    private static InstrumentRow Gauge(string name, string unit, string description, params string[] attributes) =>
        new(name, InstrumentKind.Gauge, unit, description, attributes);

    private static InstrumentRow Histogram(string name, string unit, double[] boundaries, string description, params string[] attributes) =>
        new(name, InstrumentKind.Histogram, unit, description, attributes) { Boundaries = boundaries };
}
