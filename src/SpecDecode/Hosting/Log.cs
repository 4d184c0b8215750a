using Microsoft.Extensions.Logging;

namespace SpecDecode.Hosting;

/// <summary>What a hosted model logs. Ids are stable: none is ever used for something else.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loading the model {Model} from {Path}")]
    public static partial void Loading(this ILogger logger, string model, string path);

    [LoggerMessage(2, LogLevel.Information, "The model {Model} is ready after {Seconds:f1} s; drafting: {Drafting}; precision: {Precision}; draft precision: {DraftPrecision}; threads: {Threads}; kernels: {Kernels}")]
    public static partial void Ready(this ILogger logger, string model, double seconds, string drafting, string precision, string draftPrecision, string threads, string kernels);

    [LoggerMessage(3, LogLevel.Warning, "The model {Model}: {Warning}")]
    public static partial void LoadWarning(this ILogger logger, string model, string warning);

    [LoggerMessage(4, LogLevel.Error, "The model {Model} cannot be loaded: {Reason}")]
    public static partial void LoadFailed(this ILogger logger, string model, string reason, Exception? error);

    [LoggerMessage(5, LogLevel.Error, "A pass of the model {Model} failed; its sequences are tried one by one")]
    public static partial void PassFailed(this ILogger logger, string model, Exception error);

    [LoggerMessage(6, LogLevel.Information, "The model {Model} has new defaults for requests; drafting: {Drafting}; precision: {Precision}; draft precision: {DraftPrecision}; threads: {Threads}")]
    public static partial void Reloaded(this ILogger logger, string model, string drafting, string precision, string draftPrecision, string threads);

    [LoggerMessage(7, LogLevel.Error, "The changed configuration of the model {Model} is wrong, so the former stays: {Reason}")]
    public static partial void ReloadRefused(this ILogger logger, string model, string reason);

    [LoggerMessage(8, LogLevel.Warning, "The model {Model} was loaded with other values of {Keys}; the change takes effect when the host starts again")]
    public static partial void RestartNeeded(this ILogger logger, string model, string keys);

    [LoggerMessage(9, LogLevel.Information, "Stopping the model {Model}; {Running} requests run or wait")]
    public static partial void Stopping(this ILogger logger, string model, int running);

    [LoggerMessage(10, LogLevel.Information, "The model {Model} has stopped")]
    public static partial void Stopped(this ILogger logger, string model);

    [LoggerMessage(11, LogLevel.Warning, "The time to stop was up, so {Requests} requests to the model {Model} ended where they were")]
    public static partial void StoppedEarly(this ILogger logger, string model, int requests);

    [LoggerMessage(12, LogLevel.Warning, "{Passes} draft passes of the model {Model} failed; the texts go on without those drafts")]
    public static partial void DraftsFailed(this ILogger logger, string model, int passes);

    [LoggerMessage(13, LogLevel.Error, "A listener to the metrics or the log of the model {Model} throws; what it was told is lost, now and whenever it happens again")]
    public static partial void TelemetryFailed(this ILogger logger, string model, Exception error);

    [LoggerMessage(14, LogLevel.Critical, "The engine of the model {Model} has failed and answers nothing more until the service is started again")]
    public static partial void EngineFailed(this ILogger logger, string model, Exception error);

    [LoggerMessage(15, LogLevel.Information, "The model {Model} has a thread pool of {Threads} ({Reason}); keys and values may take {KvMegabytes} MB, weights take {WeightMegabytes} MB, and the process may use {MemoryMegabytes} MB")]
    public static partial void Limits(this ILogger logger, string model, string threads, string reason, long kvMegabytes, long weightMegabytes, long memoryMegabytes);

    [LoggerMessage(16, LogLevel.Information, "The model {Model} is being loaded: {Progress}")]
    public static partial void LoadProgress(this ILogger logger, string model, LoadProgress progress);

    [LoggerMessage(17, LogLevel.Information, "The model {Model} is being replaced by that of {Path}")]
    public static partial void Replacing(this ILogger logger, string model, string path);

    [LoggerMessage(18, LogLevel.Information, "The model {Model} serves in place of the former, which has given its memory back")]
    public static partial void Replaced(this ILogger logger, string model);

    [LoggerMessage(19, LogLevel.Information, "The model {Model} has been unloaded and has given its memory back")]
    public static partial void Unloaded(this ILogger logger, string model);

    [LoggerMessage(20, LogLevel.Error, "A draft policy of the model {Model} threw; its drafts end where they were, and the texts go on")]
    public static partial void PolicyFailed(this ILogger logger, string model, Exception error);

    [LoggerMessage(21, LogLevel.Information, "The model {Model} has the drafting profile {Profile} of {Plans} plans, {Usable} of which can be run; speed-up of the best as measured: {Speedup}; {Use}")]
    public static partial void Profile(this ILogger logger, string model, string profile, int plans, int usable, string speedup, string use);

    [LoggerMessage(22, LogLevel.Information, "Drafting of the model {Model} has changed to: {Plan}; expected speed-up: {ExpectedSpeedup:f2}; calibration error: {CalibrationError:f3}")]
    public static partial void PlanChanged(this ILogger logger, string model, string plan, double expectedSpeedup, double calibrationError);

    [LoggerMessage(23, LogLevel.Information, "What drafting learns about the model {Model} is not kept for its next load: {Reason}")]
    public static partial void LearntNotKept(this ILogger logger, string model, string reason);

    [LoggerMessage(24, LogLevel.Information, "Requests to the model {Model} draft from now on without attention [{Attention}] and MLP [{Mlp}]; expected speed-up: {ExpectedSpeedup:f2}; tried: {Tried}")]
    public static partial void PlanAdopted(this ILogger logger, string model, string attention, string mlp, double expectedSpeedup, long tried);

    [LoggerMessage(25, LogLevel.Error, "The search for layers to leave out of the model {Model} has failed and ended; drafts go on with the plan that there is")]
    public static partial void SearchFailed(this ILogger logger, string model, Exception error);

    [LoggerMessage(26, LogLevel.Information, "The model {Model} serves; family: {Family}; layers: {Layers}; precision: {Precision}; draft precision: {DraftPrecision}; kernels: {Kernels}; threads: {Threads}; weights: {WeightMegabytes} MB; keys and values: at most {KvMegabytes} MB; process: {MemoryMegabytes} MB; sequences: at most {MaxSequences}; drafting: {Drafting}; policy: {Policy}; prepared weights: {Cache}")]
    public static partial void Summary(
        this ILogger logger, string model, string family, int layers, string precision, string draftPrecision, string kernels, string threads, long weightMegabytes, long kvMegabytes,
        long memoryMegabytes, int maxSequences, string drafting, string policy, string cache);

    [LoggerMessage(27, LogLevel.Warning, "{Requests} requests to the model {Model} were refused since this was last told; the last one: {Reason}")]
    public static partial void Refused(this ILogger logger, int requests, string model, string reason);

    [LoggerMessage(28, LogLevel.Warning, "Memory for keys and values ran out {Preemptions} times since this was last told, so that sequences of the model {Model} gave theirs up and read their texts again: raise Runtime:KvCacheMegabytes, or lower Runtime:MaxSequences")]
    public static partial void Preempted(this ILogger logger, int preemptions, string model);
}
