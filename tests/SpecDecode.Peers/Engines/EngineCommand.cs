using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace SpecDecode.Peers.Engines;

/// <summary>
/// The other end of <see cref="EngineProcess"/>: loads one engine, writes a text at once and another for each line that comes in, until there are no
/// more lines. Engines bring native libraries, and ONNX Runtime an environment of the process, that do not go together in one process.
/// </summary>
internal static class EngineCommand
{
    /// <summary>The command's name.</summary>
    public const string Name = "engine";

    /// <summary>What each line for the other process begins with; libraries may write lines of their own.</summary>
    public const string Mark = "peers:";

    /// <summary>Said when the second new token of the first text is known.</summary>
    public const string SecondToken = "second";

    /// <summary>The command, which is for the program's own use.</summary>
    public static Command Create()
    {
        Argument<string> settings = new("settings") { Description = "What the engine is told, as JSON." };
        Command command = new(Name, "Run one engine, for the measuring process.") { settings };
        command.Hidden = true;
        command.SetAction(arguments => Run(EngineSettings.Parse(arguments.GetValue(settings)!)));
        return command;
    }

    private static void Run(EngineSettings settings)
    {
        using IEngine engine = settings.Engine switch
        {
            EngineName.SpecDecode => new SpecDecodeEngine(settings),
            EngineName.LlamaCpp => new LlamaEngine(settings),
            EngineName.GenAi => new GenAiEngine(settings),
            _ => throw new ArgumentOutOfRangeException(nameof(settings), settings.Engine, "An engine that is not known."),
        };
        bool isFirst = true;
        do
        {
            Say(Text(engine, settings, isFirst));
            if (isFirst)
            {
                Say(engine.About);
            }

            isFirst = false;
        }
        while (Console.ReadLine() is not null);
    }

    // Milliseconds from the first new token to the last, and the tokens.
    private static string Text(IEngine engine, EngineSettings settings, bool saysSecond)
    {
        List<int> tokens = new(settings.Tokens);
        long first = 0;
        long last = 0;
        engine.Write(settings.Prompt, settings.Tokens, token =>
        {
            last = Stopwatch.GetTimestamp();
            first = tokens.Count == 0 ? last : first;
            tokens.Add(token);
            if (saysSecond && tokens.Count == 2)
            {
                Say(SecondToken);
            }
        });
        double milliseconds = Stopwatch.GetElapsedTime(first, last).TotalMilliseconds;
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds:r} {string.Join(',', tokens)}");
    }

    private static void Say(string text)
    {
        Console.WriteLine(Mark + text);
        Console.Out.Flush();
    }
}
