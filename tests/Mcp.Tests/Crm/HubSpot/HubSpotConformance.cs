namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>The suite on the HubSpot provider.</summary>
[TestFixture]
[Parallelizable]
public sealed class HubSpotConformance : CrmConformance
{
    protected override async Task<ICrmUnderTest> StartAsync() => await HubSpotUnderTest.StartAsync();
}
