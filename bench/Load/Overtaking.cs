namespace LeadPipeline.Bench.Load;

/// <summary>How far out of order things are done.</summary>
internal static class Overtaking
{
    /// <summary>The most that were done before one which came before them.</summary>
    /// <param name="arrivals">The numbers of arrival, from 0, in the order in which they were done.</param>
    public static int Most(IReadOnlyList<int> arrivals)
    {
        // Of those done so far, how many have a number up to this one: a Fenwick tree.
        var done = new int[arrivals.DefaultIfEmpty(-1).Max() + 2];
        var most = 0;
        for (var n = 0; n < arrivals.Count; n++)
        {
            var earlier = 0;
            for (var i = arrivals[n] + 1; i > 0; i -= i & -i)
                earlier += done[i];
            most = Math.Max(most, n - earlier);
            for (var i = arrivals[n] + 1; i < done.Length; i += i & -i)
                done[i]++;
        }
        return most;
    }
}
