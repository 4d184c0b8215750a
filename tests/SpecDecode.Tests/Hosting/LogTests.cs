using System.Reflection;
using Microsoft.Extensions.Logging;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Hosting;

public class LogTests
{
    // People have alerts on these numbers: one may be added at the end, and none may come to mean something else.
    private static readonly (int Id, string Name, LogLevel Level)[] Events =
    [
        (1, "Loading", LogLevel.Information),
        (2, "Ready", LogLevel.Information),
        (3, "LoadWarning", LogLevel.Warning),
        (4, "LoadFailed", LogLevel.Error),
        (5, "PassFailed", LogLevel.Error),
        (6, "Reloaded", LogLevel.Information),
        (7, "ReloadRefused", LogLevel.Error),
        (8, "RestartNeeded", LogLevel.Warning),
        (9, "Stopping", LogLevel.Information),
        (10, "Stopped", LogLevel.Information),
        (11, "StoppedEarly", LogLevel.Warning),
        (12, "DraftsFailed", LogLevel.Warning),
        (13, "TelemetryFailed", LogLevel.Error),
        (14, "EngineFailed", LogLevel.Critical),
        (15, "Limits", LogLevel.Information),
        (16, "LoadProgress", LogLevel.Information),
        (17, "Replacing", LogLevel.Information),
        (18, "Replaced", LogLevel.Information),
        (19, "Unloaded", LogLevel.Information),
        (20, "PolicyFailed", LogLevel.Error),
        (21, "Profile", LogLevel.Information),
        (22, "PlanChanged", LogLevel.Information),
        (23, "LearntNotKept", LogLevel.Information),
        (24, "PlanAdopted", LogLevel.Information),
        (25, "SearchFailed", LogLevel.Error),
        (26, "Summary", LogLevel.Information),
        (27, "Refused", LogLevel.Warning),
        (28, "Preempted", LogLevel.Warning),
    ];

    [Fact]
    public void Events_keep_their_numbers_names_and_levels()
    {
        (int, string, LogLevel)[] found = [.. typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(method => (method.Name, Attribute: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(method => method.Attribute is not null)
            .Select(method => (method.Attribute!.EventId, method.Name, method.Attribute.Level))
            .OrderBy(entry => entry.EventId)];
        Assert.Equal(Events, found);
    }
}
