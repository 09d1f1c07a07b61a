namespace LeadPipeline.Worker.Hosting;

/// <summary>A timer's ticks as a background service wants them.</summary>
internal static class Ticks
{
    /// <summary>
    /// Waits for the next tick; false once the service is to stop. Ending is no exception: of a host that could not be started, and is only thrown away, it would
    /// be reported as a crash, after the line that says what was wrong.
    /// </summary>
    public static async Task<bool> NextAsync(this PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
