using System.Diagnostics;
using SpecDecode.Calibration.Selectors;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// A calibration from prompts to a report: the full model writes texts, methods search on half of them, what they found is judged on the other
/// half, and the best few write it in earnest. Cancelled at any place, it gives what it knows.
/// </summary>
internal sealed class CalibrationRun
{
    // Of each method so many plans are judged on held-out text.
    private const int JudgedOfMethod = 2;
    private const int MostRepetitions = 9;

    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(5);

    private readonly CalibrationSetting _setting;
    private readonly CalibrationStateFile? _file;
    private readonly CalibrationState _state;
    private readonly CalibrationBudget _budget;
    private readonly IProgress<CalibrationProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly List<string> _notes = [];
    private readonly BridgeTrial _bridges;
    private readonly LengthCosts _lengths = new();
    private List<CalibratedPlan> _plans = [];
    private int _searchTokens;
    private int _heldOutTokens;
    private long _saved;

    private CalibrationRun(CalibrationSetting setting, BridgeTrial bridges, IProgress<CalibrationProgress>? progress, CancellationToken cancellationToken)
    {
        _setting = setting;
        _progress = progress;
        _cancellationToken = cancellationToken;
        _file = setting.Options.StateFile is { } path ? new CalibrationStateFile(path) : null;
        _state = _file?.Load(setting)
            ?? new CalibrationState { Format = CalibrationState.FormatName, Key = setting.Key, Texts = [], Methods = [] };
        _budget = new CalibrationBudget(_state, setting.Options.Budget);
        _bridges = bridges;
        _saved = Stopwatch.GetTimestamp();
    }

    /// <summary>Runs a calibration.</summary>
    /// <param name="setting">What is calibrated; its options are without errors.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Ends it with what is known.</param>
    /// <exception cref="SpecDecodeException">The texts give nothing to search on, the state is damaged or cannot be written, or the model fails.</exception>
    public static CalibrationReport Run(CalibrationSetting setting, IProgress<CalibrationProgress>? progress, CancellationToken cancellationToken)
    {
        using BridgeTrial bridges = new(setting);
        CalibrationRun run = new(setting, bridges, progress, cancellationToken);
        bool isComplete;
        try
        {
            run.RunPhases();
            isComplete = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            isComplete = false;
        }

        if (isComplete)
        {
            run._file?.Delete();
        }
        else
        {
            run.Save(always: true);
        }

        return run.Report(isComplete);
    }

    private IEnumerable<ILayerSelector> Selectors =>
        LayerSelectors.All.Where(selector => _setting.Options.Methods.Contains(selector.Name, StringComparer.OrdinalIgnoreCase));

    private void RunPhases()
    {
        WriteTexts();
        if (!HasUsableText(0) || !HasUsableText(1))
        {
            throw new SpecDecodeException(
                "The model's texts are too short to calibrate on: half of the prompts are searched on and half held out, and of each half one text must have two new tokens. Give more prompts.");
        }

        // One after the other, so that their caches do not add up.
        BlockCosts costs;
        int left;
        using (TextSet texts = new(_setting, _state.Texts, first: 0))
        {
            _searchTokens = texts.Tokens;
            left = texts.LeftOut;
            costs = MeasureCosts(texts);
            if (Selectors.Any(selector => selector is BridgeSelector))
            {
                FitBridges(texts);
                costs = new BlockCosts(_setting.Stages.LayerCount, _state.Times!);
            }

            Search(texts, costs);
        }

        int heldOut;
        using (TextSet texts = new(_setting, _state.Texts, first: 1))
        {
            _heldOutTokens = texts.Tokens;
            left += texts.LeftOut;
            heldOut = texts.Texts.Count;
            Judge(texts, costs);
        }

        if (left > 0)
        {
            _notes.Add($"{left} texts were left out: their keys and values have no room beside the others'.");
        }

        Measure(heldOut);
    }

    private bool HasUsableText(int half) => _state.Texts.Where((_, prompt) => prompt % 2 == half).Any(TextSet.IsUsable);

    private void WriteTexts()
    {
        for (int prompt = _state.Texts.Count; !_state.IsWritten && prompt < _setting.Prompts.Count; prompt++)
        {
            // One for each half, whatever the time.
            if (prompt >= 2 && _budget.Left(CalibrationPhase.Writing) == TimeSpan.Zero)
            {
                _notes.Add($"Of {_setting.Prompts.Count} prompts {prompt} were used: writing more takes too much of the budget.");
                break;
            }

            _state.Texts.Add(TextWriting.Write(_setting, prompt, null, _cancellationToken).NewTokens.ToArray());
            Tell(CalibrationPhase.Writing, null, prompt + 1, null);
            Save();
        }

        _state.IsWritten = true;
    }

    private BlockCosts MeasureCosts(TextSet texts)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (_state.Times is null)
        {
            Tell(CalibrationPhase.Timing, null, 0, null);
            int past = (int)texts.Texts.Average(text => text.Tokens.Length);
            _state.Times = BlockCosts.Measure(_setting.Stages, CalibrationOptions.DraftLength, past, _budget.Left(CalibrationPhase.Timing), _cancellationToken).Times;
            Tell(CalibrationPhase.Timing, null, 1, null);
            Save(always: true);
        }

        _lengths.Measure(_setting, _state, () => _budget.Left(CalibrationPhase.Timing), _cancellationToken);

        return new BlockCosts(_setting.Stages.LayerCount, _state.Times);
    }

    private void FitBridges(TextSet texts)
    {
        if (!_bridges.CanFit)
        {
            _notes.Add("This model can have no bridges, which run on the CPU, with 32 bits between stages, and behind a layer that is not the last: bridge tried nothing.");
            return;
        }

        _bridges.Fit(
            _state, texts, _budget.Left(CalibrationPhase.Searching) / Selectors.Count(), () => Tell(CalibrationPhase.Searching, BridgeSelector.MethodName, 0, null), _cancellationToken);
        if (_bridges.Without.Count > 0)
        {
            _notes.Add($"Behind layers {string.Join(", ", _bridges.Without)} no bridge agreed more often than the exit as it is, on text apart: bridge tried these as they are.");
        }
    }

    // Time that a method leaves goes to those after it.
    private void Search(TextSet texts, BlockCosts costs)
    {
        ILayerSelector[] selectors = [.. Selectors];
        for (int i = 0; i < selectors.Length; i++)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            MethodState method = _state.Of(selectors[i].Name);
            if (method.IsExhausted)
            {
                continue;
            }

            int before = method.Plans.Count;
            TimeSpan limit = TimeSpan.FromSeconds(method.Seconds) + _budget.Left(CalibrationPhase.Searching) / (selectors.Length - i);
            method.IsExhausted = true;
            foreach (BlockCosts at in selectors[i] is KnapsackSelector ? [costs, .. _lengths.All.Select(length => length.Costs)] : (BlockCosts[])[costs])
            {
                PlanSearch search = new(_setting, texts, at, method, limit, best =>
                {
                    Tell(CalibrationPhase.Searching, method.Name, method.Plans.Count, best);
                    Save();
                }, _cancellationToken)
                { WithoutBridge = _bridges.Without };
                selectors[i].Search(search);
                method.IsExhausted &= !search.WasEnded;
            }

            Save(always: true);
        }
    }

    private void Judge(TextSet texts, BlockCosts costs)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        List<(string Method, PlanCandidate Plan, AgreementTally Tally)> found = [];
        foreach (ILayerSelector selector in Selectors)
        {
            (PlanCandidate Plan, AgreementTally Tally)[] tried = [.. Tried(selector.Name).OrderByDescending(plan => Expected(plan.Plan, plan.Tally).Speedup)];
            HashSet<PlanCandidate> judged = [.. tried.Take(selector is CascadeSelector ? tried.Length : JudgedOfMethod).Select(plan => plan.Plan), .. tried.Length > 0 ? _lengths.Best(tried) : []];
            foreach ((PlanCandidate plan, AgreementTally tally) in tried.Where(plan => judged.Contains(plan.Plan)))
            {
                if (!found.Exists(other => other.Plan == plan))
                {
                    found.Add((selector.Name, plan, tally));
                }
            }
        }

        if (found.Count == 0)
        {
            throw new SpecDecodeException($"The model has {_setting.Stages.LayerCount} layers, of which these methods can leave out none: give other methods, or all.");
        }

        TextReading.Complete(_setting.Stages, texts.Texts, _cancellationToken);
        PlanAgreement agreement = new(_setting.Stages, [.. found.Select(plan => plan.Plan)], texts.Texts, CalibrationOptions.DraftLength);
        while (!agreement.IsDone && (agreement.Of(0).Drafts == 0 || _budget.Left(CalibrationPhase.Judging) > TimeSpan.Zero))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            agreement.Step();
            Tell(CalibrationPhase.Judging, null, agreement.Of(0).Drafts, null);
        }

        double plain = costs.Plain;
        (CalibratedPlan Plan, AgreementTally Tally)[] ranked = [.. found.Select((plan, i) =>
        {
            AgreementTally tally = agreement.Of(i);
            ExpectedSpeedup expected = Expected(plan.Plan, tally);
            return (Plan: new CalibratedPlan
            {
                Plan = plan.Plan.Plan, UsesDraftWeights = plan.Plan.Weights == WeightSet.Drafter, Method = plan.Method,
                DraftRowCost = costs.DraftRow(plan.Plan) / plain, SearchAgreement = plan.Tally.Share, HeldOutAgreement = tally.Share,
                AgreementByPosition = [.. Enumerable.Range(0, tally.Length).Select(tally.Chance)],
                ExpectedSpeedup = expected.Speedup, DraftLength = expected.DraftLength,
            }, Tally: tally);
        }).OrderByDescending(plan => plan.Plan.ExpectedSpeedup)];
        _plans = _lengths.Assign([.. ranked.Select(plan => plan.Plan)], [.. ranked.Select(plan => plan.Tally)], _notes);
        AddCascades(texts, costs, [.. ranked.Select(plan => plan.Tally)]);

        ExpectedSpeedup Expected(PlanCandidate plan, AgreementTally tally) => costs.Of(plan, CalibrationOptions.DraftLength).Best(tally);
    }

    // Below the plans that are there for it; those themselves are no find of the method.
    private void AddCascades(TextSet texts, BlockCosts costs, AgreementTally[] tallies)
    {
        HashSet<PlanCandidate> bases = [.. Tried(CascadeSelector.MethodName).Select(plan => plan.Plan)];
        if (bases.Count == 0 || !Selectors.Any(selector => selector is CascadeSelector))
        {
            return;
        }

        CascadeTrial trial = new(_setting.Stages, texts.Texts, costs);
        CalibratedPlan[] judged = [.. _plans];
        for (int i = 0; i < judged.Length; i++)
        {
            if (bases.Contains(judged[i].Candidate))
            {
                _plans.AddRange(trial.Find(judged[i], tallies[i], () => _budget.Left(CalibrationPhase.Judging) > TimeSpan.Zero, _cancellationToken));
            }
        }

        _plans = [.. _plans.Where(plan => plan.Method != CascadeSelector.MethodName || plan.CascadeExits.Count > 0).OrderByDescending(plan => plan.ExpectedSpeedup)];
        if (_plans.Count == 0)
        {
            throw new SpecDecodeException($"The model has {_setting.Stages.LayerCount} layers, which leaves no exit that could guess for another: give other methods, or all.");
        }
    }

    private void Measure(int heldOut)
    {
        CalibratedPlan[] best = [.. _plans.Take(_setting.Options.MeasuredPlans)];
        DraftPlan[] plans = [.. best.Select(plan => plan.ToDraftPlan())];
        int[] prompts = [.. Enumerable.Range(0, _state.Texts.Count).Where(prompt => prompt % 2 == 1 && TextSet.IsUsable(_state.Texts[prompt])).Take(heldOut)];
        SpeedupMeasurement measurement = new(_setting, prompts, _state.Texts, plans);
        try
        {
            measurement.Run(
                MostRepetitions,
                () =>
                {
                    Tell(CalibrationPhase.Measuring, null, measurement.Done, null);
                    return _budget.Left(CalibrationPhase.Measuring) > TimeSpan.Zero;
                },
                _cancellationToken);
        }
        finally
        {
            CalibratedPlan[] measured = [.. best.Select((plan, i) => measurement.Done == 0 ? plan : plan with
            {
                MeasuredSpeedup = measurement.Speedup(i), MeasuredAcceptance = measurement.Acceptance(i),
                Repetitions = (measurement.Done + prompts.Length - 1) / prompts.Length, SameText = measurement.SameText(i),
            })];
            _plans = [.. measured.OrderByDescending(plan => plan.MeasuredSpeedup), .. _plans.Skip(measured.Length)];
        }

        if (_plans.Exists(plan => plan.SameText == false))
        {
            _notes.Add(_setting.Stages.RowsAreAlike
                ? "A drafted text is not that of plain decoding: this is an error of the library or the machine. Do not use the profile, and report it."
                : "A drafted text is not that of plain decoding: rows are not alike on this processor, so texts may part at near-ties.");
        }

        if (_plans[0].MeasuredSpeedup is <= 1)
        {
            _notes.Add("No plan was faster than plain decoding here. A copy of the weights in lower precision may be (draft precision), or a model that was trained to leave early.");
        }
    }

    private IEnumerable<(PlanCandidate Plan, AgreementTally Tally)> Tried(string method) => _state.Of(method).Plans.Select(plan => (
        PlanSearch.Candidate(plan, _setting.Stages.LayerCount), AgreementTally.TryRestore(plan.Reached, plan.Agreed, CalibrationOptions.DraftLength)!));

    private CalibrationReport Report(bool isComplete)
    {
        List<TriedPlan> tried = [];
        if (_state.Times is { } times)
        {
            BlockCosts costs = new(_setting.Stages.LayerCount, times);
            tried.AddRange(Selectors.SelectMany(selector => Tried(selector.Name).Select(plan => new TriedPlan(
                selector.Name, plan.Plan.Plan, plan.Plan.Weights == WeightSet.Drafter, costs.DraftRow(plan.Plan) / costs.Plain, plan.Tally.Share,
                costs.Of(plan.Plan, CalibrationOptions.DraftLength).Best(plan.Tally).Speedup, false))));
            bool[] isOnFront = ParetoFront.Find([.. tried.Select(plan => (plan.DraftRowCost, plan.Agreement))]);
            for (int i = 0; i < tried.Count; i++)
            {
                tried[i] = tried[i] with { IsOnFront = isOnFront[i] };
            }
        }

        return new CalibrationReport
        {
            IsComplete = isComplete,
            Elapsed = _budget.Elapsed,
            SearchTokens = _searchTokens,
            HeldOutTokens = _heldOutTokens,
            PlainRow = _state.Times is null ? null : TimeSpan.FromSeconds(new BlockCosts(_setting.Stages.LayerCount, _state.Times).Plain),
            Methods = [.. Selectors.Select(Describe)],
            Plans = _plans,
            Bridges = _bridges.Of(_plans.Select(plan => plan.Plan)),
            Tried = tried,
            Notes = _notes,
        };
    }

    // A method's best may have been found by one before it.
    private MethodReport Describe(ILayerSelector selector)
    {
        MethodState state = _state.Of(selector.Name);
        HashSet<PlanCandidate> own = [.. Tried(selector.Name).Select(plan => plan.Plan)];
        return new MethodReport
        {
            Name = selector.Name, Paper = selector.Paper, Tried = state.Plans.Count, SearchTime = TimeSpan.FromSeconds(state.Seconds), IsExhausted = state.IsExhausted,
            Best = _plans.Where(plan => own.Contains(plan.Candidate) && plan.CascadeExits.Count > 0 == selector is CascadeSelector)
                .MaxBy(plan => plan.ExpectedSpeedup),
        };
    }

    private void Tell(CalibrationPhase phase, string? method, int done, double? best) =>
        _progress?.Report(new CalibrationProgress(phase, method, done, _budget.Elapsed, best));

    private void Save(bool always = false)
    {
        if (_file is not null && (always || Stopwatch.GetElapsedTime(_saved) > SaveInterval))
        {
            _state.Seconds = _budget.Elapsed.TotalSeconds;
            _file.Save(_state);
            _saved = Stopwatch.GetTimestamp();
        }
    }
}
