namespace LeadPipeline.Browser.Tests;

/// <summary>One console and one browser for a fixture.</summary>
public abstract class Browsing
{
    private VisitedConsole? console;

    private protected VisitedConsole Console => console ?? throw new InvalidOperationException("The console has not been started.");

    [OneTimeSetUp]
    public async Task OpenAsync() => console = await VisitedConsole.StartAsync();

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        if (console is not null)
            await console.DisposeAsync();
    }
}
