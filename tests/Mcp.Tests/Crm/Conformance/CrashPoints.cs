namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>
/// The points of a run at which its process can end: before and after each exchange with the CRM and each time that the ledger is stored.
/// They are counted as they are passed; the one that was chosen ends the delivery, once.
/// </summary>
public sealed class CrashPoints
{
    private int passed, chosen = -1;

    /// <summary>Points passed so far.</summary>
    public int Passed => Volatile.Read(ref passed);

    /// <summary>The process ends at a point that is still to come, counted from now on and from 0.</summary>
    public void EndAt(int point) => Volatile.Write(ref chosen, Passed + point);

    /// <summary>The process lives on.</summary>
    public void Never() => Volatile.Write(ref chosen, -1);

    /// <summary>Comes by a point.</summary>
    /// <exception cref="CrashException">It is the one that was chosen.</exception>
    public void Pass()
    {
        if (Interlocked.Increment(ref passed) - 1 == Volatile.Read(ref chosen))
            throw new CrashException();
    }
}
