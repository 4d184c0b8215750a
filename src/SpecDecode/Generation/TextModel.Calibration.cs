using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SpecDecode.Calibration;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Sampling;

namespace SpecDecode.Generation;

/// <summary>Finding, off line, which layers a drafter can leave out.</summary>
public sealed partial class TextModel
{
    // Two texts at least: one to search on, one that is held out.
    private const int LeastPrompts = 2;

    // There from the first calibration on.
    private CalibrationMetrics? _calibrations;

    /// <summary>
    /// Looks for plans that draft well for this model: it writes texts for some prompts (greedy), methods search on half of them, what they
    /// found is judged on the other half, and the best few write that half in earnest, beside plain decoding.
    /// </summary>
    /// <param name="prompts">Prompts such as the model will get, at least 2 and better 10 or more. Of a request only its prompt, tokens or messages count.</param>
    /// <param name="options">How; null takes the defaults.</param>
    /// <param name="progress">Told how far it is, on this thread; null for nobody.</param>
    /// <param name="cancellationToken">Ends it with what is known so far, which is then the result. With <see cref="CalibrationOptions.StateFile"/> the same call goes on later.</param>
    /// <returns>What was found; <see cref="CreateProfile"/> makes a drafting profile of it.</returns>
    /// <exception cref="ArgumentNullException">The prompts or one of them are null.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or a request has none or several of prompt, tokens and messages.</exception>
    /// <exception cref="SpecDecodeException">
    /// There are fewer than two prompts, one is empty or too long, the state file is damaged or of something else or cannot be written, or the model fails.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public CalibrationReport Calibrate(
        IReadOnlyList<GenerationRequest> prompts, CalibrationOptions? options = null, IProgress<CalibrationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new CalibrationOptions();
        if (options.FindError() is { } error)
        {
            throw new ArgumentException(error, nameof(options));
        }

        if (options.Lengths is [.., var longest] && longest >= MaxSequenceLength)
        {
            throw new ArgumentException($"Lengths names {longest} tokens, and a text of this model has at most {MaxSequenceLength}: name shorter ones.", nameof(options));
        }

        using Call call = new(this);
        if (prompts.Count < LeastPrompts)
        {
            throw new SpecDecodeException($"There {(prompts.Count == 0 ? "are no prompts" : "is one prompt")}: give two at least, since half of them are held out to judge by.");
        }

        int[][] tokens = [.. prompts.Select((prompt, i) => PromptTokens(prompt, i + 1, options))];
        CalibrationSetting setting = new(_model.Stages, _scheduler, tokens, _model.Description.EndOfSequence.ToHashSet(), _kvBytes, CalibrationKey(tokens, options), options);
        _calibrations ??= new CalibrationMetrics(_name);
        using CalibrationMetrics.Watched watched = _calibrations.Follow(progress);
        return CalibrationRun.Run(setting, watched, cancellationToken);
    }

    /// <summary>Makes a drafting profile of what was found: the plans that were judged, the best first.</summary>
    /// <param name="report">The report of a calibration of this model.</param>
    /// <param name="date">The day that the profile says; null for none.</param>
    /// <exception cref="ArgumentNullException">The report is null.</exception>
    /// <exception cref="ArgumentException">No plan was judged, as when it was cancelled too early.</exception>
    public DraftingProfile CreateProfile(CalibrationReport report, DateOnly? date = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (report.Plans.Count == 0)
        {
            throw new ArgumentException("No plan was judged, so there is nothing that a profile could say.", nameof(report));
        }

        return new DraftingProfile
        {
            Model = Identity,
            Measured = new ProfileMeasurement
            {
                Threads = _model.Threads?.Count, Precision = _model.Precision, DraftPrecision = _model.Stages.DraftPrecision, Kernels = Kernels, Date = date,
            },
            Bridges = report.Bridges,
            Plans =
            [
                .. report.Plans.Take(DraftingProfile.MaxPlans).Select(plan => new ProfilePlan
                {
                    Plan = plan.Plan, UsesDraftWeights = plan.UsesDraftWeights, DraftLength = plan.DraftLength, Agreement = plan.AgreementByPosition,
                    DraftRowCost = plan.DraftRowCost, ExpectedSpeedup = plan.ExpectedSpeedup, MeasuredSpeedup = plan.MeasuredSpeedup, Method = plan.Method, FromLengths = plan.FromLengths,
                    CascadeExits = plan.CascadeExits, CascadeLength = plan.CascadeExits.Count == 0 ? DraftingOptions.DefaultCascadeLength : plan.CascadeLength,
                }),
            ],
        };
    }

    private int[] PromptTokens(GenerationRequest prompt, int number, CalibrationOptions options)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        GenerationRequest plain = prompt with { MaxTokens = options.MaxTokens, Sampling = SamplingOptions.Greedy, Drafting = DraftingOptions.None, StopTokens = [] };
        try
        {
            return _intake.Accept(plain, Defaults, CancellationToken.None).Sequence.Prompt.ToArray();
        }
        catch (SpecDecodeException error)
        {
            throw new SpecDecodeException($"Prompt {number}: {error.Message}", error);
        }
    }

    // Whatever decides which plans come out, but for the methods and the budget: one may go on with more of both.
    private string CalibrationKey(int[][] prompts, CalibrationOptions options)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant(
            $"{Identity}|{_model.Precision}|{_model.Stages.DraftPrecision}|{Kernels}|{options.MaxTokens}|{options.Seed}|{options.KeepEndLayers}|{options.BridgeRank}|{string.Join(',', options.Lengths)}")));
        Span<byte> number = stackalloc byte[sizeof(int)];
        foreach (int[] prompt in prompts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, prompt.Length);
            hash.AppendData(number);
            foreach (int token in prompt)
            {
                BinaryPrimitives.WriteInt32LittleEndian(number, token);
                hash.AppendData(number);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
