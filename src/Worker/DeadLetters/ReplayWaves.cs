namespace LeadPipeline.Worker.DeadLetters;

/// <summary>How many go on together: all at once, or one, five, twenty-five and then the rest, so that a cause that is not mended shows early. Pure.</summary>
public static class ReplayWaves
{
    private static readonly int[] Ramp = [1, 5, 25];

    /// <summary>The sizes of the waves, which add up to <paramref name="count"/>; none when there is nothing.</summary>
    public static IReadOnlyList<int> Of(int count, bool ramp)
    {
        var waves = new List<int>();
        foreach (var size in ramp ? Ramp : [])
        {
            if (count <= 0)
                break;
            waves.Add(Math.Min(size, count));
            count -= size;
        }
        if (count > 0)
            waves.Add(count);
        return waves;
    }

    /// <summary>Where the waves end, counted from the first dead letter.</summary>
    public static IReadOnlyList<int> Ends(int count, bool ramp)
    {
        var end = 0;
        return [.. Of(count, ramp).Select(size => end += size)];
    }
}
