namespace SpecDecode.Drafting;

/// <summary>Why a round has the draft that it has, or none.</summary>
public enum DraftReason
{
    /// <summary>Drafting is switched off, or the policy says nothing.</summary>
    Disabled,

    /// <summary>There is a draft since it is expected to pay, or since the options ask for it.</summary>
    Drafted,

    /// <summary>There is a draft, or none, to learn what it would be worth.</summary>
    Probing,

    /// <summary>No draft is expected to pay, also for one sequence alone.</summary>
    NotWorthIt,

    /// <summary>So many sequences are live that rows of drafts cost more than they are expected to give.</summary>
    Busy,

    /// <summary>There is no room: in the pass, or in the text, which ends here.</summary>
    NoRoom,

    /// <summary>Drafts of this sequence failed too often, or the policy did.</summary>
    Failed,

    /// <summary>A constraint of the request leaves only one way to go on, which is the draft.</summary>
    Forced,
}
