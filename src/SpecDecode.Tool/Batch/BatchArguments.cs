using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Batch;

/// <summary>The options of <c>generate</c> about many prompts at once.</summary>
internal sealed class BatchArguments
{
    private readonly Option<string?> _prompts = new("--prompts")
    {
        Description = "JSON lines with prompt, tokens or messages each, all of which are answered; - is standard input.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _output = new("--output")
    {
        Description = "With --prompts: file of results, which a later run goes on with; - , the default, is standard output.",
        HelpName = "FILE",
    };

    private readonly Option<int?> _concurrency = NumberOption.Optional(
        "--concurrency", "C", $"With --prompts: texts that are written at the same time; by default {new RuntimeOptions().MaxSequences}.", max: 4096);

    /// <summary>Adds the options to a command.</summary>
    public BatchArguments(Command command)
    {
        command.Options.Add(_prompts);
        command.Options.Add(_output);
        command.Options.Add(_concurrency);
    }

    /// <summary>The option that names the prompts.</summary>
    public Option Prompts => _prompts;

    private int Concurrency(ParseResult arguments) => arguments.GetValue(_concurrency) ?? new RuntimeOptions().MaxSequences;

    /// <summary>Answers the lines of the file.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="model">Loads the model.</param>
    /// <param name="draft">How it drafts.</param>
    /// <param name="chat">Whether a prompt is wrapped in the chat template.</param>
    /// <param name="every">What holds for all lines.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Takes progress and what is said in the end.</param>
    /// <param name="isQuiet">Whether to leave out both.</param>
    /// <param name="cancellationToken">Ends it; what is finished is written.</param>
    /// <returns>The exit code.</returns>
    public int Run(
        ParseResult arguments, ModelArguments model, DraftArguments draft, bool chat, GenerationRequest every,
        TextWriter output, TextWriter error, bool isQuiet, CancellationToken cancellationToken)
    {
        string file = arguments.GetValue(_prompts)!;
        string folder = model.Folder(arguments);
        using BatchInput input = BatchInput.Open(file, cancellationToken);

        // All that can be refused is before the model is loaded, which may take long.
        if (TextModel.Inspect(folder) is { CanLoad: false, Problems: var problems })
        {
            throw new SpecDecodeException(problems[0]);
        }

        draft.CheckProfile(arguments);
        uint mark = Mark(folder, model.Mark(arguments), chat, every);
        using BatchOutput results = BatchOutput.Open(arguments.GetValue(_output), file, output, mark, cancellationToken);
        long? total = input.LookThrough(results);
        using TextModel loaded = model.Load(arguments, error, isQuiet, cancellationToken, Concurrency(arguments), draft);
        BatchSettings settings = new(every with { Drafting = draft.Read(arguments, loaded, error) }, chat, mark);
        return BatchRun.Run(loaded, (input, total), results, settings, error, isQuiet, cancellationToken);
    }

    // How it is drafted and how many texts are written at once changes no text, so that another run may do it another way.
    private static uint Mark(string folder, string precision, bool chat, GenerationRequest every)
    {
        SamplingOptions sampling = every.Sampling!;
        return XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{ModelMark.Of(folder)} {precision} {chat} {every.MaxTokens} {every.IgnoreEndOfSequence} {sampling.Temperature:r} {sampling.TopK} {sampling.TopP:r} {sampling.MinP:r} {sampling.TopNSigma:r} {sampling.Seed} {sampling.Acceptance} {RequestArguments.Describe(every)}")));
    }

    /// <summary>Refuses options that would have no effect.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="json">The option for one JSON object.</param>
    public void Check(CommandResult result, Option<bool> json)
    {
        if (result.GetResult(_prompts) is null)
        {
            foreach (Option option in (Option[])[_output, _concurrency])
            {
                if (result.GetResult(option) is not null)
                {
                    result.AddError($"{option.Name} has no effect without --prompts.");
                }
            }
        }
        else if (result.GetResult(json) is not null)
        {
            result.AddError("--json has no effect with --prompts: results are JSON lines always.");
        }
    }
}
