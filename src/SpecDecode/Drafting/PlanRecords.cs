namespace SpecDecode.Drafting;

/// <summary>A record for each plan that was allowed lately.</summary>
/// <param name="layerBlocks">Blocks of the whole model.</param>
/// <param name="pace">How slow the machine is.</param>
internal sealed class PlanRecords(int layerBlocks, MachinePace pace)
{
    private readonly List<PlanRecord> _records = [];

    // The list of plans that was looked at last, mostly the same one.
    private IReadOnlyList<DraftPlan>? _known;

    // Of plans that nobody has asked for since they were restored.
    private readonly List<PlanState> _remembered = [];

    /// <summary>How many there are.</summary>
    public int Count => _records.Count;

    /// <summary>One of them.</summary>
    public PlanRecord this[int index] => _records[index];

    /// <summary>The record of a plan; null where it was not allowed lately.</summary>
    public PlanRecord? Of(DraftPlan plan)
    {
        for (int i = 0; i < _records.Count; i++)
        {
            if (ReferenceEquals(_records[i].Plan, plan))
            {
                return _records[i];
            }
        }

        return null;
    }

    /// <summary>Makes records of plans that have none.</summary>
    public void GetToKnow(IReadOnlyList<DraftPlan> plans)
    {
        if (ReferenceEquals(plans, _known))
        {
            return;
        }

        for (int i = 0; i < plans.Count; i++)
        {
            if (Of(plans[i]) is null)
            {
                if (_records.Count == PolicyState.MostPlans)
                {
                    // Plans that are searched for come and go; the oldest is the least likely to come again.
                    _records.RemoveAt(0);
                }

                PlanRecord record = new(plans[i], layerBlocks, pace, FindSame(plans[i]));
                _records.Add(record);
                Remind(record);
            }
        }

        _known = plans;
    }

    private PlanRecord? FindSame(DraftPlan plan) => _records.Find(known => known.DraftsAs(plan));

    /// <summary>Copies of what is known, of plans that nobody has asked for yet too.</summary>
    public PlanState[] Snapshot() => [.. _records.Select(record => record.Snapshot()).Concat(_remembered).Take(PolicyState.MostPlans)];

    /// <summary>Takes what snapshots have in place of what was learnt; of plans that nobody has asked for yet, once somebody does.</summary>
    /// <param name="states">Snapshots that are sound.</param>
    public void Restore(PlanState[] states)
    {
        _remembered.Clear();
        _remembered.AddRange(states);
        _records.ForEach(Remind);
    }

    private void Remind(PlanRecord record)
    {
        if (_remembered.Find(record.IsOf) is { } state)
        {
            record.Restore(state);
            _remembered.Remove(state);
        }
    }
}
