namespace SpecDecode.Generation;

/// <summary>What becomes of a conversation that is too long for the model.</summary>
public enum ChatOverflow
{
    /// <summary>It is refused, with the numbers.</summary>
    Refuse,

    /// <summary>
    /// Its oldest turns are left out. A turn is a user's message with everything up to the next one, so that the results of tools stay
    /// with their calls. Messages of the roles <c>system</c> and <c>developer</c> and the last turn are never left out.
    /// </summary>
    DropOldest,
}
