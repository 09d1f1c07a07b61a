namespace LeadPipeline.Browser.Tests;

/// <summary>
/// What a test needs and this machine lacks. Such a test is ignored, unless <c>LEADPIPELINE_REQUIRE_BROWSER</c> is set: <c>test.sh</c> sets it where a browser was found
/// and the rest can be fetched, so that there the tests of the console cannot all vanish and the run be called good.
/// </summary>
internal static class Missing
{
    private const string Required = "LEADPIPELINE_REQUIRE_BROWSER";

    /// <summary>To be thrown: the test ends with it as ignored, or as failed.</summary>
    public static ResultStateException Because(string what) => Environment.GetEnvironmentVariable(Required) is { Length: > 0 }
        ? new AssertionException($"{what} {Required} is set, so that this is a failure.")
        : new IgnoreException(what);
}
