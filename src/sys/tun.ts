/** Numbers of linux/if_tun.h. A test compares them with the kernel's headers. */
export const TUN = {
  IFF_TAP: 2,
  IFF_NO_PI: 0x1000,
  IFF_VNET_HDR: 0x4000,
  TUNSETIFF: 0x400454ca,
  TUNSETPERSIST: 0x400454cb,
} as const;
